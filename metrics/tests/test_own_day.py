"""An agent's own day: today beside the own mean and best, counted by hand; nobody else's figures."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns.models import CampaignTeam
from campaigns.tests.factories import CampaignFactory, TeamFactory, agent_of, person
from core.calendar import business_date, is_workday
from core.clock import database_now
from metrics import own_day
from metrics.tests import factories as f
from scripts.models import Phrase, PhraseVote

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent():
    team = TeamFactory()
    CampaignTeam.objects.create(campaign=CampaignFactory(), team=team)
    return agent_of(team)


def worked(agent, day, *, deals, reached, calls, **more) -> None:
    """So many calls of the agent to different customers, so many of them connected, so many of these won."""
    for number in range(calls):
        f.make_call(day, agent_id=agent.pk, customer_id=1000 + number, connected=number < reached, sale=number < deals, **more)  # fmt: skip


def line(found: own_day.OwnDay, name: str) -> own_day.Line:
    return next(row for row in found.lines if row.name == name)


def test_today_stands_beside_the_mean_of_the_last_working_days_and_the_best_day(agent):
    # Monday 2 to Wednesday 4 March 2026; a Sunday that counts for the best, not for the mean
    worked(agent, f.DAY - timedelta(days=3), deals=3, reached=3, calls=4)
    worked(agent, f.DAY - timedelta(days=2), deals=1, reached=3, calls=5)
    worked(agent, f.DAY - timedelta(days=1), deals=2, reached=2, calls=6)
    worked(agent, f.DAY, deals=1, reached=2, calls=3)
    worked(agent_of(TeamFactory()), f.DAY - timedelta(days=1), deals=9, reached=9, calls=9)
    f.roll_up()

    found = own_day.own_day(agent, f.at(f.DAY, 18))

    assert found.mean_of == 2
    assert found.best_day == f.DAY - timedelta(days=3)
    deals, calls = line(found, "deals"), line(found, "calls")
    assert (deals.today, deals.mean, deals.best) == (1, 1.5, 3)
    assert (calls.today, calls.mean, calls.best) == (3, 5.5, 4)
    assert line(found, "connected").mean == 2.5


def test_who_calls_in_counts_in_the_own_day(agent):
    worked(agent, f.DAY - timedelta(days=1), deals=1, reached=1, calls=1)
    f.make_call(f.DAY - timedelta(days=1), agent_id=agent.pk, customer_id=7, sale=True, direction="inbound")
    f.roll_up()

    assert line(own_day.own_day(agent, f.at(f.DAY)), "deals").mean == 2.0


def test_only_the_last_twenty_working_days_make_the_mean(agent):
    days = [day for back in range(1, 60) if is_workday(day := f.DAY - timedelta(days=back))][:21]
    for day in days[:20]:
        worked(agent, day, deals=0, reached=0, calls=1)
    worked(agent, days[20], deals=0, reached=0, calls=50)
    f.roll_up()

    found = own_day.own_day(agent, f.at(f.DAY))

    assert (found.mean_of, line(found, "calls").mean) == (20, 1.0)


def test_the_first_day_has_no_measure_yet(agent):
    found = own_day.own_day(agent, f.at(f.DAY))

    assert (found.mean_of, found.best_day, line(found, "deals").mean, found.coaching_at) == (0, None, None, None)


def test_a_target_and_the_next_coaching_come_from_whoever_offers_them(agent, monkeypatch):
    monkeypatch.setattr(own_day, "_answers", {})
    own_day.offer("target", lambda who, day: 6 if who == agent else None)
    own_day.offer("coaching", lambda who, at: f.DAY + timedelta(days=2))

    found = own_day.own_day(agent, f.at(f.DAY))

    assert (line(found, "deals").target, line(found, "deals").expected) == (6, 6)
    assert found.coaching_at == f.DAY + timedelta(days=2)


def test_phrases_of_the_week_are_the_new_and_the_newly_voted(agent):
    at = database_now()
    old = at - timedelta(days=30)
    loved = Phrase.objects.create(text="Loved of old", added_by=agent, added_at=old)
    PhraseVote.objects.create(phrase=loved, by=agent, at=at)
    Phrase.objects.create(text="Forgotten", added_by=agent, added_at=old)
    Phrase.objects.create(text="New", added_by=agent, added_at=at)
    Phrase.objects.create(text="Retired", added_by=agent, added_at=at, retired_at=at)

    found = own_day.own_day(agent, at)

    assert [phrase.text for phrase in found.phrases] == ["Loved of old", "New"]


def test_the_panel_is_small_and_asks_the_same_few_queries_whatever_the_past(
    client, agent, django_assert_max_num_queries
):
    today = business_date(database_now())
    for back in range(1, 8):
        worked(agent, today - timedelta(days=back), deals=1, reached=2, calls=3)
    f.roll_up()
    client.force_login(agent)
    client.get(reverse("metrics:own-figures"))

    with django_assert_max_num_queries(12):
        page = client.get(reverse("metrics:own-figures"))

    assert page.status_code == 200
    assert len(page.content) < 8_000
    assert "Best day" in page.content.decode()


def test_the_own_figures_lead_to_the_own_growth(client, agent):
    client.force_login(agent)
    growth = reverse("staffing:growth")

    assert f'href="{growth}"' in client.get(reverse("metrics:own-figures")).content.decode()
    assert client.get(growth).context["who"].agent == agent


def test_only_who_has_a_desk_has_own_figures(client):
    client.force_login(person("campaign_manager"))

    assert client.get(reverse("metrics:own-figures")).status_code == 403


def test_the_api_tells_the_same_own_day(client, agent):
    client.force_login(agent)

    told = client.get(reverse("api:own-day")).json()

    assert [line["name"] for line in told["lines"]] == ["deals", "connected", "calls"]
    client.force_login(person("campaign_manager"))
    assert client.get(reverse("api:own-day")).status_code == 403


def test_a_call_that_came_in_at_the_desk_is_no_outbound_customer_called():
    from campaigns.services import inbound, results
    from campaigns.tests.calling import AT, Floor
    from campaigns.tests.factories import CustomerFactory
    from core.partitions import ensure_partitions
    from metrics.queries import figures

    floor = Floor()
    floor.lead(customer=CustomerFactory(city=floor.city, phone="13900007548"))
    ensure_partitions("campaigns_call", AT.date(), 1)
    inbound.begin(agent=floor.agent, number="13900007548", at=AT)
    call = results.record_result(
        lead=floor.campaign.lead_set.get(), agent=floor.agent, at=AT + timedelta(seconds=60), disposition_code="considering"
    )  # fmt: skip
    type(call).objects.filter(pk=call.pk).update(recorded_at=database_now())
    f.roll_up()

    total = figures(since=AT.date(), until=AT.date()).total.counts
    assert (total["customers_called"], total["customers_reached"], total["inbound_customers"]) == (0, 0, 1)
