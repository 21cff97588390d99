"""Where conversations die: the figures of each step, whose calls are counted, and the page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from campaigns import guide
from campaigns.models import CallPath
from campaigns.queries_script_path import _newest, script_path, way_of
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import CityFactory, TeamFactory, agent_of, person
from campaigns.tests.guiding import Guided
from scripts.models import ScriptVersion

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor():
    return Floor()


@pytest.fixture
def guided(floor):
    return Guided(floor.campaign.product).goes_live(floor.campaign)


class Walker:
    def __init__(self, floor, version) -> None:
        self.floor, self.version, self.last = floor, version, CallPath.objects.count()

    def walk(self, *steps, seconds=10, end="other", times=1, **fields) -> None:
        """Calls that walked these steps, each for so many seconds, and ended at the last one."""
        for _n in range(times):
            self.last += 1
            CallPath.objects.create(
                call_id=self.last, call_started_at=AT - timedelta(minutes=self.last), script_version_id=self.version.pk,
                **{"campaign_id": self.floor.campaign.pk, "city_id": self.floor.city.pk, "team_id": self.floor.team.pk, **fields},
                step_ids=[step.pk for step in steps], seconds=[seconds] * len(steps), left_step_id=steps[-1].pk, end=end,
            )  # fmt: skip


def region():
    return person("campaign_manager")


def test_each_step_tells_who_reached_it_and_how_calls_ended_there(floor, guided):
    walker = Walker(floor, guided.version)
    walker.walk(guided.greet, end="mid_call", times=2)
    walker.walk(guided.greet, guided.price, end="refused", times=3)
    walker.walk(guided.greet, guided.price, guided.greet, guided.price, guided.thanks, end="sold")

    path = script_path(guided.version, other=None, campaign=None, user=region(), at=AT)

    told = [(r.number, r.toll.reached, r.toll.mid_call, r.toll.refused, r.toll.sold) for r in path.rows]
    assert told == [("2.1", 6, 2, 0, 0), ("4.1", 4, 0, 3, 0), ("6.1", 1, 0, 0, 1)]
    # the one who came back spent twice ten seconds: (5 * 10 + 20) / 6, (3 * 10 + 20) / 4
    assert [round(row.toll.mean_seconds, 2) for row in path.rows] == [11.67, 12.5, 10.0]
    assert [row.lost_share for row in path.rows] == [2 / 6, 3 / 4, 0.0]
    assert path.calls == 6
    assert path.sentence == "Most are lost at step 4.1 Price: 3 of 6 calls end there by a refusal."


def test_a_step_is_compared_with_the_same_step_of_the_other_version(floor, guided):
    newer = Guided(floor.campaign.product)
    type(newer.price).objects.filter(pk=newer.price.pk).update(key=guided.price.key)
    Walker(floor, guided.version).walk(guided.price, end="refused", times=30)
    Walker(floor, guided.version).walk(guided.price, times=10)
    Walker(floor, newer.version).walk(newer.price, end="refused", times=10)
    Walker(floor, newer.version).walk(newer.price, times=30)

    rows = script_path(newer.version, other=guided.version, campaign=None, user=region(), at=AT).rows

    assert (rows[1].lost_share, rows[1].before_share, rows[1].verdict) == (0.25, 0.75, "good")
    assert rows[0].before is None
    assert rows[2].change is None


def test_a_difference_that_chance_may_have_made_is_no_verdict(floor, guided):
    newer = Guided(floor.campaign.product)
    type(newer.price).objects.filter(pk=newer.price.pk).update(key=guided.price.key)
    Walker(floor, guided.version).walk(guided.price, end="refused")
    Walker(floor, guided.version).walk(guided.price)
    Walker(floor, newer.version).walk(newer.price, times=2)

    rows = script_path(newer.version, other=guided.version, campaign=None, user=region(), at=AT).rows

    assert rows[1].verdict == ""


def test_with_many_steps_compared_a_difference_must_be_clearer(floor, guided):
    # 15 of 40 against 25 of 40: z = 2.236, p = .025; as one of three .076
    newer = Guided(floor.campaign.product)
    shared = ["price", "greet", "thanks"]
    verdicts = []
    for count in (1, 2, 3):
        step = shared[count - 1]
        type(newer.price).objects.filter(pk=getattr(newer, step).pk).update(key=getattr(guided, step).key)
        for version, lost in ((guided, 25), (newer, 15)):
            walker = Walker(floor, version.version)
            walker.walk(getattr(version, step), end="refused", times=lost)
            walker.walk(getattr(version, step), times=40 - lost)
        rows = script_path(newer.version, other=guided.version, campaign=None, user=region(), at=AT).rows
        verdicts.append({row.verdict for row in rows if row.change})

    assert verdicts == [{"good"}, {""}, {""}]


def test_the_page_says_that_calls_were_not_spread_by_lot_when_versions_are_compared(client, floor, guided):
    newer = Guided(floor.campaign.product)
    Walker(floor, newer.version).walk(newer.greet)
    ScriptVersion.objects.filter(pk=newer.version.pk).update(script=guided.version.script, number=2)
    client.force_login(region())
    url = reverse("campaigns:script_path", args=[newer.version.pk])

    assert "not spread over the versions by lot" in client.get(url, {"with": guided.version.number}).content.decode()
    assert "not spread over the versions by lot" not in client.get(url, {"with": "none"}).content.decode()


def test_a_city_counts_its_own_calls_and_those_of_its_teams(floor, guided):
    Walker(floor, guided.version).walk(guided.greet, times=2)
    elsewhere = CityFactory()
    Walker(floor, guided.version).walk(
        guided.greet, times=3, city_id=elsewhere.pk, team_id=TeamFactory(city=elsewhere).pk
    )
    manager = person("city_manager", city=floor.city)

    assert script_path(guided.version, other=None, campaign=None, user=manager, at=AT).calls == 2
    assert script_path(guided.version, other=None, campaign=None, user=region(), at=AT).calls == 5


def test_one_campaign_alone_is_counted_when_asked(floor, guided):
    Walker(floor, guided.version).walk(guided.greet, times=2)
    Walker(floor, guided.version).walk(guided.greet, campaign_id=floor.campaign.pk + 1)

    path = script_path(guided.version, other=None, campaign=floor.campaign, user=region(), at=AT)

    assert path.calls == 2


def test_calls_older_than_ninety_days_are_not_read(floor, guided):
    walker = Walker(floor, guided.version)
    walker.walk(guided.greet, times=2)
    CallPath.objects.filter(call_id=walker.last).update(call_started_at=AT - timedelta(days=90, minutes=1))

    assert script_path(guided.version, other=None, campaign=None, user=region(), at=AT).calls == 1


READERS = {
    "region": ("call_path_version", lambda floor: region(), False),
    "campaign": ("call_path_campaign", lambda floor: region(), True),
    "city": ("call_path_city", lambda floor: person("city_manager", city=floor.city), False),
    "team": ("call_path_team", lambda floor: person("team_leader", team=floor.team), False),
}


@pytest.mark.parametrize("reader", READERS)
def test_whoever_reads_finds_the_newest_calls_by_an_index_of_their_own(floor, guided, reader):
    index, who, is_of_campaign = READERS[reader]
    version, at = guided.version.pk, timezone.now()
    with (
        connection.cursor() as cursor
    ):  # 30,000 calls, of which the campaign, the city and the team have one in 100 each
        cursor.execute(
            """INSERT INTO campaigns_callpath
                (call_id, call_started_at, script_version_id, campaign_id, city_id, team_id, step_ids, seconds, left_step_id, "end")
            SELECT n, %s - n * interval '4 min', %s, CASE n %% 100 WHEN 1 THEN %s ELSE 0 END, CASE n %% 100 WHEN 2 THEN %s ELSE 0 END,
                CASE n %% 100 WHEN 3 THEN %s ELSE 0 END, '{1}', '{1}', 1, 'other' FROM generate_series(1, 30000) n""",
            [at, version, floor.campaign.pk, floor.city.pk, floor.team.pk],
        )
        cursor.execute("ANALYZE campaigns_callpath")
    campaign = floor.campaign if is_of_campaign else None
    sql, params = _newest(guided.version, campaign, who(floor), at - timedelta(days=90))

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", params)
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "Seq Scan" not in plan
    if reader != "region":  # of whom nearly all are the version's last ninety days: any way is good
        assert index in plan


@pytest.mark.parametrize("calls", [1, 9])
def test_it_is_one_query_over_the_paths_however_many(floor, guided, calls, django_assert_num_queries):
    Walker(floor, guided.version).walk(guided.greet, guided.price, times=calls)
    user = region()
    user.scope()

    with django_assert_num_queries(2):
        script_path(guided.version, other=None, campaign=None, user=user, at=AT)


# ---------------------------------------------------------------- the page


def url(guided, **query) -> str:
    from urllib.parse import urlencode

    return f"{reverse('campaigns:script_path', args=[guided.version.pk])}?{urlencode(query)}"


def test_the_page_shows_the_steps_and_is_linked_from_script_and_campaign(client, floor, guided):
    client.force_login(region())
    Walker(floor, guided.version).walk(guided.greet, guided.price, end="refused", times=4)

    page = client.get(url(guided, campaign=floor.campaign.pk)).content.decode()

    assert "Most are lost at step 4.1 Price: 4 of 4 calls" in page
    link = reverse("campaigns:script_path", args=[guided.version.pk])
    assert link in client.get(reverse("scripts:script", args=[guided.version.script_id])).content.decode()
    assert link in client.get(reverse("campaigns:campaign", args=[floor.campaign.pk])).content.decode()


def test_a_version_that_nobody_spoke_says_what_to_do(client, guided):
    client.force_login(region())

    assert "No call has walked this version in the last 90 days" in client.get(url(guided)).content.decode()


def test_another_citys_campaign_cannot_be_asked_for_nor_its_calls_seen(client, floor, guided):
    type(floor.campaign).objects.filter(pk=floor.campaign.pk).update(city=floor.city)
    Walker(floor, guided.version).walk(guided.greet, times=3)
    client.force_login(person("city_manager", city=CityFactory()))

    assert client.get(url(guided, campaign=floor.campaign.pk)).status_code == 404
    assert "No call has walked this version in the last 90 days" in client.get(url(guided)).content.decode()


def test_an_agent_and_a_stranger_are_turned_away(client, floor, guided):
    assert client.get(url(guided)).status_code == 302
    client.force_login(agent_of(floor.team))

    assert client.get(url(guided)).status_code == 403


def test_paths_go_after_two_years(floor, guided):
    from campaigns.retention import forget_call_paths

    Walker(floor, guided.version).walk(guided.greet, times=2)
    CallPath.objects.filter(call_id=1).update(call_started_at=AT - timedelta(days=731))

    assert forget_call_paths(AT) == 1
    assert CallPath.objects.count() == 1


def test_the_page_of_a_call_shows_its_way_with_the_moment_of_each_step(client, floor, guided):
    from campaigns.services import desk, results
    from campaigns.tests.calling import drawn

    floor.lead()
    lead = desk.next_lead(agent=floor.agent, at=AT)
    desk.dial(lead=lead, agent=floor.agent, at=AT)
    drawn(lead, "answered", at=AT)
    # the talk began 65 s before the result and lasted 60
    at = AT + timedelta(seconds=70)
    notes = guide.read({"path": guided.path((guided.greet, 65), (guided.price, 40))}, at=at)
    call = results.record_result(lead=lead, agent=floor.agent, disposition_code="considering", at=at, notes=notes)
    client.force_login(floor.agent)

    page = client.get(reverse("campaigns:call", args=[call.pk])).content.decode()

    assert [(row.label, row.offset, row.seconds) for row in way_of(call)] == [
        ("2.1 Greet", 0, 25),
        ("4.1 Price", 25, 35),
    ]
    assert "Way through the script" in page
    assert "4.1 Price" in page
