"""A campaign that calls, for tests of claim and desk: rules, team, agent, leads. All times lie far ahead, because the claim judges at
the later of `at` and the database's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from campaigns.models import Campaign, CampaignTeam, Lead, LiveCall
from campaigns.tests.factories import CampaignFactory, CityFactory, CustomerFactory, LeadFactory, TeamFactory, agent_of
from core.clock import database_now
from customers.models import ContactRule, RulePack
from people.models import Team

# a Thursday, 11:00 in China
AT = datetime(2099, 11, 19, 3, 0, tzinfo=UTC)
ALL_WEEK = [1, 2, 3, 4, 5, 6, 7]


def all_hours() -> RulePack:
    """Two attempts a day, two hours apart, one answered; at any hour."""
    pack, is_new = RulePack.objects.get_or_create(code="ALLHOURS", defaults={"name": "All hours"})
    if is_new:
        for key, value in [
            ("hours", {"days": ALL_WEEK, "opens": "00:00", "closes": "24:00"}),
            ("cap", {"most": 2, "hours": 24}),
            ("gap", {"minutes": 120}),
            ("answered_per_day", {"most": 1}),
        ]:
            ContactRule.objects.create(pack=pack, key=key, value=value, valid_from=date(2020, 1, 1))
    return pack


def calling_campaign(team: Team, **fields) -> Campaign:
    campaign = CampaignFactory(**fields)
    campaign.packs.set([all_hours()])
    CampaignTeam.objects.create(campaign=campaign, team=team)
    return campaign


class Floor:
    """One city, one team, one agent, one campaign; `lead()` adds customers to it."""

    def __init__(self, **campaign_fields) -> None:
        self.city = CityFactory()
        self.team = TeamFactory(city=self.city)
        self.agent = agent_of(self.team)
        self.campaign = calling_campaign(self.team, **campaign_fields)

    @classmethod
    def of_now(cls) -> Floor:
        """Pages read the clock themselves: leads may be `due` since yesterday."""
        made = cls()
        made.due = database_now() - timedelta(days=1)
        return made

    def lead(self, **fields) -> Lead:
        customer = fields.pop("customer", None) or CustomerFactory(city=self.city)
        return LeadFactory(**{"campaign": self.campaign, "customer": customer, **fields})


def drawn(lead: Lead, outcome: str, *, at: datetime, rings: int = 5, talks: int = 60) -> LiveCall:
    """Let the simulated telephone have drawn this for the call on the lead."""
    call = LiveCall.objects.get(lead=lead, settled_at=None)
    call.outcome = outcome
    call.answered_at = at + timedelta(seconds=rings) if outcome == "answered" else None
    call.ends_at = at + timedelta(seconds=rings + (talks if outcome == "answered" else 0))
    call.save()
    return call
