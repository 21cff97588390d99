"""The calls behind a figure are those that the figure counts: one scope for both."""

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import Call, Campaign, CampaignTeam, Order
from campaigns.services import calls
from campaigns.tests.factories import AT, CityFactory, held_lead, person
from metrics.questions import reach_of
from people.models import Team
from people.tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db


def test_calls_orders_and_figures_reach_as_far_as_todays_roles():
    """Figures and the calls behind them have one scope: cities whole, and teams in which one has a role today."""
    lead = held_lead()
    call = calls.record_call(
        lead=lead,
        agent=lead.agent,
        disposition_code="no_answer",
        started_at=AT - timedelta(minutes=2),
        talk_seconds=0,
        at=AT,
    )
    team = lead.agent.team_at(AT)
    other_city = CityFactory()
    Campaign.objects.filter(pk=lead.campaign_id).update(city=other_city)
    CampaignTeam.objects.get_or_create(campaign=lead.campaign, team=team)
    Order.objects.create(
        call_id=call.pk, call_started_at=call.started_at, customer_id=call.customer_id, city_id=call.city_id,
        agent_id=call.agent_id, team_id=team.pk, campaign_id=call.campaign_id, number="A1", product=lead.campaign.product,
    )  # fmt: skip
    today = timezone.localdate()
    qa, past = person("qa", team=team), person("city_manager", city=CityFactory())
    before = {"team": team, "valid_from": today - timedelta(days=90)}
    MembershipFactory(user=past, role="team_leader", valid_to=today, **before)
    abroad = person("city_manager", city=CityFactory())
    Team.objects.filter(pk=team.pk).update(city=abroad.memberships.get().city)  # the team calls other cities' customers

    def seen(user):
        campaigns = Campaign.objects.visible_to(user).filter(city=other_city)
        return [rows.count() for rows in (Call.objects.visible_to(user), Order.objects.visible_to(user), campaigns)]

    assert (seen(qa), reach_of(qa).teams) == ([1, 1, 1], (team.pk,))
    assert (seen(past), reach_of(past).teams) == ([0, 0, 0], ())
    assert (seen(abroad), reach_of(abroad).teams) == ([0, 0, 1], ())
