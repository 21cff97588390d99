"""The indicators page, its files and its API."""

import csv
import io
import json
import re
from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.calendar import business_date
from core.clock import database_now
from core.models import AuditEvent
from metrics import export, queries
from metrics.indicator_page import usual
from metrics.models import Alert
from metrics.tests import factories as f
from people.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
RANGE = {"from": "2026-03-01", "to": "2026-03-31"}


@pytest.fixture
def manager(client):
    user = UserFactory(role="regional_manager")
    client.force_login(user)
    return user


def facts(cities=1):
    found = []
    for number in range(cities):
        city, team, agent = f.place(f"City{number}")
        for customer in range(50):
            f.make_call(
                customer_id=1000 * number + customer,
                city_id=city.pk,
                team_id=team.pk,
                agent_id=agent.pk,
                connected=customer < 40,
                sale=customer < 4,
                campaign_id=1,
            )
        found.append((city, team, agent))
    f.roll_up()
    return found


def page(client, **query):
    return client.get(reverse("metrics:indicators"), {**RANGE, **query})


def test_the_page_shows_the_figures_of_the_range_and_the_total_at_its_own_level(client, manager):
    facts(cities=2)

    answer = page(client)

    board = answer.context["board"]
    assert [card.value for card in board.cards][:2] == ["80.0", "10.00"]
    assert [line.cells[0].text for line in board.table.lines] == ["50", "50"]
    assert board.table.total[0].text == "100"
    assert "City0" in answer.content.decode()


def test_every_count_leads_to_the_calls_it_was_made_of(client, manager):
    ((city, _team, _agent),) = facts()

    answer = page(client)

    link = answer.context["board"].table.lines[0].cells[2].link
    assert link == f"/calls/?city={city.pk}&direction=outbound&customers=won&from=2026-03-01&to=2026-03-31"
    assert link.replace("&", "&amp;") in answer.content.decode()


def test_a_row_leads_one_level_down_and_back(client, manager):
    ((city, team, agent),) = facts()

    line = page(client).context["board"].table.lines[0]
    teams = client.get(reverse("metrics:indicators") + line.link)
    agents = client.get(reverse("metrics:indicators") + teams.context["board"].table.lines[0].link)

    assert teams.context["state"].filters == {"city": city.pk}
    assert agents.context["state"].filters == {"city": city.pk, "team": team.pk}
    assert [line.name for line in agents.context["board"].table.lines] == [agent.display_name]
    assert [label for label, _url in agents.context["board"].crumbs][1:] == [city.label]


@pytest.mark.parametrize("by", ["city", "team", "agent", "campaign", "period"])
@pytest.mark.parametrize("grain", ["day", "week", "month"])
def test_every_grouping_and_grain_has_its_page(client, manager, by, grain):
    f.campaign(pk=1)
    facts()

    answer = page(client, by=by, grain=grain, sort="-success_rate")

    assert answer.status_code == 200
    assert len(answer.context["board"].table.lines) == 1


def queries_of_the_page(client, **query):
    page(client, **query)  # who is asking is known then, whoever else was made meanwhile
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        page(client, **query)
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.parametrize("by", ["city", "team", "agent"])
def test_the_page_runs_as_many_queries_for_one_group_as_for_three(client, manager, by):
    facts()
    one = queries_of_the_page(client, by=by)
    for number in (700, 701):
        f.make_call(customer_id=5000 + number, city_id=number, team_id=number, agent_id=number, connected=True)
    f.roll_up()

    three = queries_of_the_page(client, by=by)

    assert len(one) == len(three)


def test_the_times_of_the_builds_are_asked_for_once(client, manager):
    facts()

    asked = [sql for sql in queries_of_the_page(client, by="agent") if "metrics_partition" in sql]

    assert len(asked) == 1


def test_a_change_has_an_arrow_only_where_it_is_clear_of_chance(client, manager):
    city, team, agent = f.place()
    for customer in range(200):
        group = {"city_id": city.pk, "team_id": team.pk, "agent_id": agent.pk}
        f.make_call(date(2026, 2, 10), customer_id=customer, connected=True, sale=customer < 10, **group)
        f.make_call(date(2026, 3, 10), customer_id=customer, connected=customer < 199, sale=customer < 50, **group)
    f.roll_up()

    contact, success, *_rest = page(client).context["board"].cards

    assert (success.change.verdict, success.change.up, success.change.text) == ("good", True, "20.13 points")
    assert (contact.change.verdict, contact.change.text) == ("", "−0.5 points")


def test_a_period_before_with_days_without_data_is_said_and_has_no_arrow(client, manager):
    """Calls on each day of the week of 9 March, but only on the Friday of the week before: four days are missing."""
    city, team, agent = f.place()
    for day in (6, 9, 10, 11, 12, 13):
        for customer in range(40):
            f.make_call(
                date(2026, 3, day), customer_id=100 * day + customer, connected=True, sale=customer < day,
                city_id=city.pk, team_id=team.pk, agent_id=agent.pk,
            )  # fmt: skip
    f.roll_up()

    _contact, success, *_rest = page(client, **{"from": "2026-03-09", "to": "2026-03-15"}).context["board"].cards

    assert (success.change, success.sub) == (None, "was 15.00\xa0%, 4 days without data")


def test_open_alerts_are_sentences_for_the_region_alone(client, manager):
    Alert.objects.create(kind="sums_differ", key="2026-03-04", detail={"calls: agent / team": [8, 2]})
    Alert.objects.create(kind="day_differs", key="2026-03-05", detail={"1": [1], "2": [3]})
    Alert.objects.create(kind="default_partition", key="campaigns_call", detail={"rows": 7})
    Alert.objects.create(kind="sums_differ", key="2026-03-06", detail={"x": [1, 2]}, settled_at=database_now())
    sentences = [
        "4 Mar 2026: the parts do not add up to the whole in 1 of the sums compared.",
        "5 Mar 2026: counted again, the figures of 2 of the cities differ from what is stored.",
        "Calls that lie outside of every month that was made: 7.",
    ]

    answer = page(client)
    assert answer.context["board"].alerts == sentences
    assert sentences[0] in answer.content.decode()

    client.force_login(UserFactory(role="campaign_manager"))
    assert page(client).context["board"].alerts == []


def test_without_a_wish_the_last_four_weeks_are_shown(client, manager):
    state = client.get(reverse("metrics:indicators")).context["state"]

    monday = state.until - timedelta(days=state.until.weekday())
    assert (state.period, state.since, state.grain) == ("weeks4", monday - timedelta(weeks=3), "day")


def test_small_denominators_are_greyed_and_young_cancellations_flagged(client, manager):
    city, team, agent = f.place()
    today = business_date(database_now())
    f.make_sale(f.at(today, 0), city_id=city.pk, team_id=team.pk, agent_id=agent.pk)
    f.roll_up()

    board = client.get(reverse("metrics:indicators"), {"from": today.isoformat(), "to": today.isoformat()}).context[
        "board"
    ]

    assert board.table.lines[0].cells[5].small
    assert [card.young for card in board.cards] == [False, False, True, True, True, False]


def test_the_target_of_the_campaign_stands_beside_the_rate(client, manager):
    campaign = f.campaign(target_success_percent=12)
    city, team, agent = f.place()
    f.make_sale(city_id=city.pk, team_id=team.pk, agent_id=agent.pk, campaign_id=campaign.pk)
    f.roll_up()

    answer = page(client, campaign=campaign.pk)

    assert answer.context["board"].cards[1].expected == 12.0
    assert 'data-target="12.0"' in answer.content.decode()


def test_nothing_counted_is_said_with_a_way_to_the_newest_figures(client, manager):
    facts()

    answer = client.get(reverse("metrics:indicators"), {"from": "2019-01-01", "to": "2019-01-31"})

    assert "Nothing was counted in this period." in answer.content.decode()
    assert answer.context["frame"].newest == f.DAY
    assert client.get(reverse("metrics:indicators") + answer.context["frame"].newest_url).context["board"].cards


def test_an_address_that_cannot_be_read_is_answered_in_words(client, manager):
    facts()

    answer = client.get(
        reverse("metrics:indicators"),
        {"from": "yesterday", "to": "2026-03-31", "grain": "hour", "by": "moon", "page": "x", "city": "y"},
    )

    assert answer.status_code == 200
    assert "yesterday is not a date" in answer.content.decode()


def test_dates_the_wrong_way_round_are_exchanged_and_said(client, manager):
    facts()

    answer = client.get(reverse("metrics:indicators"), {"from": "2026-03-31", "to": "2026-03-01"})

    assert answer.context["board"].table.total[0].text == "50"
    assert "exchanged" in answer.content.decode()


def test_a_city_sees_no_row_and_no_filter_of_another(client):
    (first, _team, _agent), (other, *_rest) = facts(cities=2)
    client.force_login(UserFactory(role="city_manager", city=first))

    answer = page(client)

    assert [line.name for line in answer.context["board"].table.lines] == [first.label]
    assert answer.context["board"].choices["cities"] == [(first.pk, first.label)]
    assert page(client, city=other.pk).status_code == 404
    assert other.name not in page(client, by="team").content.decode()


def test_a_leader_may_look_at_the_cities_the_team_called(client):
    ((city, team, _agent),) = facts()
    client.force_login(UserFactory(leader=team))

    assert page(client, city=city.pk, by="agent").context["board"].title == city.label


def test_strangers_are_turned_away(client):
    for name in ("indicators", "definitions", "indicators-peak", "indicators-csv", "indicators-xlsx"):
        assert client.get(reverse(f"metrics:{name}")).status_code == 302
    assert client.get("/api/v1/indicators/").status_code in (401, 403)


def test_the_definitions_name_every_indicator_and_are_one_click_away(client, manager):
    from metrics import registry

    facts()
    text = client.get(reverse("metrics:definitions")).content.decode()

    for found in registry.indicators():
        assert f'id="{found.key}"' in text
    assert 'href="/indicators/definitions/#success_rate"' in page(client).content.decode()


def test_the_peak_stands_beside_what_luck_alone_would_bring(client, manager):
    city, team, agent = f.place()
    for customer in range(120):
        f.make_call(
            customer_id=customer,
            city_id=city.pk,
            team_id=team.pk,
            agent_id=agent.pk,
            connected=True,
            sale=customer < 12,
        )
    f.roll_up()

    text = client.get(reverse("metrics:indicators-peak"), RANGE).content.decode()

    assert agent.display_name in text
    assert re.search(r"Peak: 10\.0", text)
    assert re.search(r"about 10\.\d", text)


def test_the_file_holds_exactly_the_groups_of_the_page(client, manager):
    facts(cities=2)

    answer = client.get(reverse("metrics:indicators-csv"), {**RANGE, "by": "city"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))

    assert [(row["period"], row["city"], row["customers_called"], row["success_rate"]) for row in rows] == [
        ("total", "City0", "50", "10.0"),
        ("total", "City1", "50", "10.0"),
    ]
    assert AuditEvent.objects.filter(action="metrics.indicators.exported").count() == 1


@pytest.mark.parametrize("path", ["/indicators/indicators.csv", "/api/v1/indicators/"])
def test_a_file_of_which_a_later_part_takes_too_long_is_refused_and_not_cut(client, manager, monkeypatch, path):
    """The database gives up the second of two parts."""
    asked = []

    def rows_of(question, *_rest, **_more):
        asked.append(question)
        if len(asked) > 1:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 20")
                cursor.execute("SELECT pg_sleep(2)")
        return []

    monkeypatch.setattr(queries, "rows_of", rows_of)
    monkeypatch.setattr(export, "_parts", lambda question: [question, question])

    answer = client.get(path, RANGE)

    assert (answer.status_code, answer.headers["Retry-After"], len(asked)) == (503, "30", 2)


def test_the_workbook_of_the_page_is_one(client, manager):
    facts()

    answer = client.get(reverse("metrics:indicators-xlsx"), RANGE)

    assert b"".join(answer.streaming_content)[:2] == b"PK"
    assert answer["Content-Disposition"] == 'attachment; filename="indicators-20260301-20260331.xlsx"'


@pytest.mark.parametrize("at_once", [0, 8 << 20])
def test_the_api_gives_the_figures_of_the_files_from_memory_or_from_the_disk(client, manager, monkeypatch, at_once):
    monkeypatch.setattr("metrics.api.AT_ONCE", at_once)
    facts(cities=2)

    answer = client.get("/api/v1/indicators/", {**RANGE, "grain": "week", "by": "city"})
    rows = json.loads(b"".join(answer))

    assert [(row["period"], row["city"], row["customers_called"]) for row in rows] == [
        ("2026-W10", "City0", 50),
        ("2026-W10", "City1", 50),
    ]
    assert rows[0]["inbound_success_rate"] is None


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"from": "x", "to": "2026-03-01"},
        {**RANGE, "by": "moon"},
        {**RANGE, "grain": "hour"},
        {**RANGE, "city": "a"},
        {"from": "2026-03-02", "to": "2026-03-01"},
    ],
)
def test_the_api_refuses_what_it_cannot_read(client, manager, query):
    assert client.get("/api/v1/indicators/", query).status_code == 400


def test_the_api_shows_only_what_the_user_may_see(client):
    (first, *_rest), (other, *_more) = facts(cities=2)
    client.force_login(UserFactory(role="city_manager", city=first))

    rows = json.loads(b"".join(client.get("/api/v1/indicators/", {**RANGE, "by": "city"})))

    assert [row["city"] for row in rows] == [first.name]
    assert json.loads(b"".join(client.get("/api/v1/indicators/", {**RANGE, "city": other.pk}))) == []


def test_the_newest_figures_say_when_they_were_counted(client, manager):
    facts()
    f.make_call(f.DAY + timedelta(days=1), customer_id=7)
    from metrics.services import dirty

    dirty.mark_dirty(at=database_now())

    answer = page(client)

    assert answer.context["board"].computed_at is not None
    assert answer.context["board"].waiting


def test_the_rollup_asks_the_usual_views_so_that_nobody_waits_for_them(client, manager):
    cache.clear()
    facts()
    today = business_date(database_now())
    assert usual.ask_usual_views(today) == len(usual.USUAL)

    for query in usual.USUAL:
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(reverse("metrics:indicators"), query)
        assert answer.status_code == 200
        assert not [one["sql"] for one in asked if "figures f " in one["sql"] or "_ids" in one["sql"]]


def test_without_anybody_who_sees_the_region_no_view_is_asked_ahead():
    assert usual.ask_usual_views(date(2026, 3, 31)) == 0
