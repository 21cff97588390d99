"""The columns of the rollups: what is added up, and what is a set of customers. One list for models, builder and readers."""

from __future__ import annotations

# Plain names are outbound calls; money in cents, time in seconds. Added up over any partition.
COUNTS = (
    "calls",
    "calls_connected",
    "calls_right_party",
    "talk_seconds",
    "after_call_seconds",
    "inbound_calls",
    "inbound_calls_connected",
    "inbound_talk_seconds",
    "inbound_after_call_seconds",
    "orders",
    "orders_cancelled",
    "orders_larger_plan",
    "amount_cents",
    "final_amount_cents",
)

# Sets of customer ids. The column `<name>_ids` holds the roaring bitmap (empty: NULL), the column `<name>` how many it holds.
SETS = (
    "customers_called",
    "customers_reached",
    "customers_won",
    "customers_cancelled",
    "inbound_customers",
    "inbound_won",
    "customers_recommended",
    "customers_accepted",
    "customers_complained",
)

BITMAPS = tuple(f"{name}_ids" for name in SETS)
KEYS = ("city_id", "team_id", "agent_id", "campaign_id")


class Level:
    """Which of KEYS a row of the rollup has. An odd level is the even one below it, cut by campaign too."""

    REGION, REGION_CAMPAIGN, CITY, CITY_CAMPAIGN, TEAM, TEAM_CAMPAIGN, AGENT, AGENT_CAMPAIGN = range(8)

    OF = {
        REGION: (),
        REGION_CAMPAIGN: ("campaign_id",),
        CITY: ("city_id",),
        CITY_CAMPAIGN: ("city_id", "campaign_id"),
        TEAM: ("city_id", "team_id"),
        TEAM_CAMPAIGN: ("city_id", "team_id", "campaign_id"),
        AGENT: ("city_id", "team_id", "agent_id"),
        AGENT_CAMPAIGN: ("city_id", "team_id", "agent_id", "campaign_id"),
    }
    IN_CITY = (CITY, CITY_CAMPAIGN, TEAM, TEAM_CAMPAIGN, AGENT, AGENT_CAMPAIGN)
    IN_REGION = (REGION, REGION_CAMPAIGN)

    @classmethod
    def for_keys(cls, keys: set[str]) -> int:
        """The coarsest level that still tells these keys apart."""
        if "agent_id" in keys:
            level = cls.AGENT
        elif "team_id" in keys:
            level = cls.TEAM
        elif "city_id" in keys:
            level = cls.CITY
        else:
            level = cls.REGION
        return level + ("campaign_id" in keys)
