"""What may stand against a call, one by one and all together, drawn at random."""

from __future__ import annotations

import random
from datetime import timedelta

from campaigns.models import Campaign, Lead
from campaigns.tests.calling import ALL_WEEK, AT, calling_campaign
from campaigns.tests.factories import (
    CityFactory,
    CustomerFactory,
    LeadFactory,
    TeamFactory,
    add_phone,
    agent_of,
    zone,
)
from customers.models import Consent, ContactRule, Customer, GreyEntry, QuietTime, Segment, Suppression
from people.models import Team, User

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def need_consent(campaign):
    pack = campaign.packs.get()
    ContactRule.objects.create(pack=pack, key="consent", value={"needed": True}, valid_from="2020-01-01")


def consent(customer):
    Consent.objects.create(customer=customer, kind="marketing_calls", basis="form", stated_by="x", given_at=AT - DAY)


def bar(customer=None, phone=None, **fields):
    blind = phone and phone.blind_index
    return Suppression.objects.create(
        customer=customer, phone_blind=blind, kind="register", **{"valid_from": AT - DAY, **fields}
    )


def segments_with_rules(campaign, before, by, city) -> list[int]:
    """One for each kind of rule a segment can have; of hours two that narrow one another, and some for one campaign or one city alone."""
    told = [
        ("hours", {"days": ALL_WEEK, "opens": "15:30", "closes": "24:00"}, {}),
        ("hours", {"days": [4, 5], "opens": "00:00", "closes": "24:00"}, {}),
        ("hours", {"days": [6], "opens": "09:00", "closes": "12:00"}, {"campaign_id": before.pk}),
        ("cap", {"most": 1, "hours": 100}, {}),
        ("cap", {"most": 2, "hours": 400}, {"campaign_id": campaign.pk}),
        ("gap", {"minutes": 3000}, {}),
        ("answered_per_day", {"most": 1}, {}),
        ("consent", {"needed": True}, {"product_id": campaign.product_id}),
        ("hours", {"days": ALL_WEEK, "opens": "10:00", "closes": "11:30"}, {"city": city}),
        ("gap", {"minutes": 9000}, {"city": city}),
        ("hours", {"days": [1], "opens": "10:00", "closes": "11:30"}, {"severity": "warn"}),
    ]
    made = []
    for n, (key, value, scope) in enumerate(told):
        segment = Segment.objects.create(name=f"S{n}", owner=by, conditions={})
        ContactRule.objects.create(
            pack=campaign.packs.get(), key=key, value=value, segment=segment, valid_from="2020-01-01", **scope
        )
        made.append(segment.pk)
    return made


def made_at_random(seed: int) -> tuple[Campaign, Team, list[User]]:
    """A regional campaign of 160 leads with everything that may stand against a call, drawn at random; a third of the persons wait in a campaign
    as well that comes before it, or after it where the seed is above 4. Returns the campaign, its team, the agents to whom somebody promised."""
    draw = random.Random(seed)
    cities = [
        CityFactory(),
        CityFactory(zone=zone("Asia/Tokyo")),
        CityFactory(is_on=False),
        CityFactory(zone=None),
        CityFactory(),
    ]
    team = TeamFactory(city=None)
    campaign = calling_campaign(team, exclusion_group="cards", precedence=1)
    before = calling_campaign(TeamFactory(city=None), exclusion_group="cards", precedence=2 if seed <= 4 else 0)
    pack = campaign.packs.get()
    ContactRule.objects.create(
        pack=pack, key="cap", value={"most": 3, "hours": 168}, city=cities[1], valid_from="2020-01-01"
    )
    ContactRule.objects.create(
        pack=pack, key="hours", value={"days": ALL_WEEK, "opens": "01:00", "closes": "02:00"}, city=cities[4], valid_from="2020-01-01",
    )  # fmt: skip
    if seed % 2:
        need_consent(campaign)
    agents = []
    team_lead = agent_of(team)
    segments = segments_with_rules(campaign, before, team_lead, cities[1])

    def chance(share):
        return draw.random() < share

    for n in range(160):
        customer = CustomerFactory(city=draw.choices(cities, [6, 3, 1, 1, 1])[0])
        phone = customer.phones.get()
        if chance(0.1):
            phone.is_dead = True
            phone.save()
        if chance(0.1):
            add_phone(customer, f"1880000{n:04d}")
        if chance(0.05):
            bar(phone=phone)
        if chance(0.1):
            bar(
                customer,
                valid_to=draw.choice([None, AT + DAY, AT - HOUR]),
                campaign_id=draw.choice([None, campaign.pk, 1]),
            )
        if chance(0.9):
            consent(customer)
        attempts = sorted(
            (AT - draw.randrange(1, 200) * HOUR for _n in range(draw.choice([0, 0, 1, 2, 3]))), reverse=True
        )
        Customer.objects.filter(pk=customer.pk).update(
            attempts=attempts, is_suppressed=chance(0.03), held_lead_id=999_999 if chance(0.03) else None,
            callable_from=AT + HOUR if chance(0.05) else AT - DAY, answered_at=AT - draw.choice([1, 20]) * HOUR if chance(0.1) else None,
            owner_campaign_id=draw.choice([campaign.pk, before.pk]), owner_group=draw.choice(["cards", "other"]),
            owner_until=AT + draw.choice([-1, 5]) * HOUR, rule_segments=draw.sample(segments, draw.choice([1, 1, 2])) if chance(0.3) else None,
        )  # fmt: skip
        if chance(0.1):
            opens, closes = draw.choice([(0, 720), (0, 1440), (300, 720), (700, 1440)])
            GreyEntry.objects.create(
                customer=customer, from_minute=opens, to_minute=closes, reason="x", source="x", created_by=team_lead
            )
        if chance(0.1):
            GreyEntry.objects.create(
                customer=customer, most_attempts=draw.choice([1, 2]), in_days=draw.choice([1, 5, 9]), reason="x", source="x",
                created_by=team_lead,
            )  # fmt: skip
        if chance(0.1):
            GreyEntry.objects.create(
                customer=customer, purposes=draw.choice([[], [campaign.purpose], ["survey"]]), callback_only=True,
                valid_to=draw.choice([None, AT - HOUR]), reason="x", source="x", created_by=team_lead,
            )  # fmt: skip
        if chance(0.05):
            GreyEntry.objects.create(
                phone_blind=phone.blind_index, purposes=draw.choice([[campaign.purpose], ["service"]]), reason="x", source="x",
                created_by=team_lead,
            )  # fmt: skip
        if chance(0.15):
            start = draw.choice([0, 600, 660, 720])
            QuietTime.objects.create(
                customer=customer, days=draw.choice([[4], [5], ALL_WEEK]), from_minute=start, to_minute=draw.choice([1440, 540, 680, 725]),
                valid_to=draw.choice([None, None, AT - HOUR]), stated_on="2026-11-01", way="phone", stated_by="x", created_by=team_lead,
            )  # fmt: skip
        fields = {}
        if chance(0.15):
            agents.append(agent_of(team))
            fields["callback_agent"] = agents[-1]
        state = draw.choices(["open", "done"], [9, 1])[0]
        if state == "done":
            fields = {"outcome": draw.choice(Lead.Outcome.values[1:])}
        LeadFactory(
            campaign=campaign, customer=customer, state=state, ready_at=AT + draw.choice([-40, -10, -10, -1, 30, 90]) * timedelta(minutes=1), **fields,
        )  # fmt: skip
        if chance(0.3):
            LeadFactory(campaign=before, customer=customer, ready_at=AT + draw.choice([-1, 5, 50]) * HOUR)
    return campaign, team, agents
