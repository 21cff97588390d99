"""The columns of quality on the page of indicators: counted by hand, and each figure as high as the list behind it is long.

All calls are of 4 March 2026. In Foshan two agents of two teams, in Zhuhai one.
"""

import csv
import io
import json
from datetime import date, timedelta
from itertools import pairwise

import openpyxl
import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.stats import wilson
from customers.models import Customer
from customers.tests.factories import CustomerFactory
from metrics.tests import factories as f
from people.models import City
from people.tests.factories import CityFactory, MembershipFactory, TeamFactory, UserFactory
from qa.models import Complaint, ComplaintCategory, Evaluation, Questionnaire, SurveyAnswer, SurveyAsk, SurveyRule
from qa.tests.factories import call_of
from qa.tests.sheets import evaluated, form_of
from staffing.models import CoachingSession

pytestmark = pytest.mark.django_db
DAY = f.DAY
RANGE = {"from": "2026-03-01", "to": "2026-03-31", "columns": "quality"}
NOTHING_APPLIED = dict.fromkeys(("Greets", "Insults", "Asks for the order", "Thanks"), "na")


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()


@pytest.fixture
def qa():
    return UserFactory(role="qa")


@pytest.fixture
def version(qa):
    return form_of(qa)


@pytest.fixture
def rule(qa):
    texts = {"question_zh": "问", "question_en": "Q", "open_zh": "问", "open_en": "Q"}
    asked = Questionnaire.objects.create(code="after", number=1, made_by=qa, **texts)
    return SurveyRule.objects.create(questionnaire=asked, seed="s", made_by=qa)


def scored(call, version, qa, told=None, pick="random"):
    made = evaluated(call, version, qa, told=told)
    Evaluation.objects.filter(pk=made.pk).update(pick=pick, probability=0.5 if pick == "random" else None)


def asked(call, rule, score=None):
    at = call.started_at
    ask = SurveyAsk.objects.create(
        rule=rule, call_id=call.pk, call_started_at=at, customer_id=call.customer_id, city_id=call.city_id, team_id=call.team_id,
        agent_id=call.agent_id, campaign_id=call.campaign_id, channel="sms", probability=0.5, state="answered" if score else "sent",
        chosen_at=at, try_at=at, sent_at=at, expires_at=at + timedelta(days=7),
    )  # fmt: skip
    if score:
        SurveyAnswer.objects.create(ask=ask, score=score, at=at)


def complained(call, by, category="price"):
    """A week after the call."""
    at = call.started_at + timedelta(days=7)
    Complaint.objects.create(
        customer_id=call.customer_id, city_id=call.city_id, call_id=call.pk, call_started_at=call.started_at, campaign_id=call.campaign_id,
        team_id=call.team_id, agent_id=call.agent_id, category=ComplaintCategory.objects.get(code=category), severity="normal",
        received_by=by, received_at=at, due_at=at,
    )  # fmt: skip


def coached(agent, team, coach, day=DAY):
    at = f.at(day)
    CoachingSession.objects.create(
        agent=agent, coach=coach, team=team, city=team.city, planned_at=at, own_view="v", own_view_at=at, good="g", improve="i",
        expected="e", written_at=at, coach_signed_at=at, agent_signed_at=at,
    )  # fmt: skip


@pytest.fixture
def coach():
    return UserFactory()


@pytest.fixture
def facts(version, qa, rule, coach):
    """First team of Foshan: 5 calls, 4 of them scored at random (80, 80, failed, no score) and one for a risk; 3 asked, 2 answers (5 and 3); one
    customer complained twice, another of an unanswered call; its agent was coached twice. Second team: one call, scored 80, a complaint.
    Zhuhai: a call ticked as a complaint."""
    foshan, zhuhai = CityFactory(name="Foshan"), CityFactory(name="Zhuhai")
    first, second, third = TeamFactory(city=foshan), TeamFactory(city=foshan), TeamFactory(city=zhuhai)
    agent = UserFactory(agent=first)

    def call(team, **fields):
        return call_of(team, at=f.at(DAY), customer=CustomerFactory(city=team.city), **fields)

    calls = [call(first, agent=agent) for _n in range(5)]
    for one, told in zip(calls, [None, None, {"Insults": "yes"}, NOTHING_APPLIED], strict=False):
        scored(one, version, qa, told)
    scored(calls[4], version, qa, {"Greets": "no"}, pick="risk")
    for one, score in zip(calls, [5, 3, None], strict=False):
        asked(one, rule, score)
    complained(calls[0], qa)
    complained(calls[0], qa, "manner")
    complained(call(first, agent=agent, connected=False), qa)
    coached(agent, first, coach)
    coached(agent, first, coach, DAY + timedelta(days=2))
    other = call(second)
    scored(other, version, qa)
    complained(other, qa)
    call(third, complaint=True)
    f.roll_up()
    return foshan, first, agent


@pytest.fixture
def across(facts, version, qa, coach):
    """Over the borders of cities: an agent of the first team of Foshan calls Zhuhai alone and was coached, scored and complained about there;
    a team of Zhuhai calls Zhuhai, scored and complained about. Returns the evaluation of the latter."""
    _foshan, first, _agent = facts
    zhuhai = City.objects.get(name="Zhuhai")
    guest, home = UserFactory(agent=first), TeamFactory(city=zhuhai)
    for team, fields in ((first, {"agent": guest}), (home, {})):
        call = call_of(team, at=f.at(DAY), customer=CustomerFactory(city=zhuhai), **fields)
        scored(call, version, qa)
        complained(call, qa)
    coached(guest, first, coach)
    f.roll_up()
    return Evaluation.objects.get(call_id=call.pk)


def board(client, **query):
    return client.get(reverse("metrics:indicators"), {**RANGE, **query}).context["board"]


def cells(client, line, **query):
    """{column: cell} of the row with this name, of the total without."""
    table = board(client, **query).table
    found = next(one.cells for one in table.lines if one.name == line) if line else table.total
    return dict(zip([head.name for head in table.heads], found, strict=True))


def length(client, link):
    answer = client.get(link)
    assert answer.status_code == 200, link
    context = answer.context
    return context["listing"].total if "listing" in context else context["page"].paginator.count


def said(cell):
    """The count that a cell's link promises."""
    return int((cell.opens or cell.text).split()[-1].replace(",", ""))


def test_the_figures_of_quality_counted_by_hand(client, facts):
    """First team: two of 80, the failed one of 50, one without a score; 4 of 16 answers did not apply; 1 of 5 reached customers complained."""
    _foshan, first, _agent = facts
    client.force_login(UserFactory(role="regional_manager"))

    found = {key: cell.text for key, cell in cells(client, first.name, by="team").items()}

    assert found == {
        "qa_evaluations": "4",
        "quality_score": "70.0",
        "auto_fail_rate": "25.0",
        "na_rate": "25.0",
        "qa_complaints": "2",
        "complaint_rate": "0.00",
        "complaints_taken_rate": "20.00",
        "qa_answered": "2",
        "satisfaction": "4.00",
        "response_rate": "66.7",
        "agents_coached": "1",
        "coaching_coverage": "100.0",
    }


@pytest.mark.parametrize("by", ["city", "team", "agent", "campaign", "period"])
@pytest.mark.parametrize("role", ["regional_manager", "city_manager", "team_leader", "trainer"])
def test_every_figure_is_as_high_as_the_list_behind_it_is_long(client, facts, across, coach, by, role):
    """Each of them coached in all sessions, took all complaints, and was once the agent of a call of the team of Zhuhai."""
    city, first, _agent = facts
    place = {"city_manager": {"city": city}, "trainer": {"city": city}, "team_leader": {"team": first}}
    MembershipFactory(user=coach, role=role, **place.get(role, {}))
    Complaint.objects.update(received_by=coach)
    Evaluation.objects.filter(pk=across.pk).update(agent_id=coach.pk)
    client.force_login(coach)

    table = board(client, by=by).table
    linked = [cell for row in [*(line.cells for line in table.lines), table.total] for cell in row if cell.link]

    assert len(linked) > 10
    assert [(cell.link, length(client, cell.link)) for cell in linked] == [(cell.link, said(cell)) for cell in linked]


def test_each_kind_of_figure_has_its_list(client, facts):
    foshan, first, _agent = facts
    client.force_login(UserFactory(role="city_manager", city=foshan))

    found = cells(client, first.name, by="team")

    assert {key: (cell.link.split("?")[0], said(cell)) for key, cell in found.items() if cell.link} == {
        "qa_evaluations": ("/evaluations/", 4),
        "quality_score": ("/evaluations/", 3),
        "auto_fail_rate": ("/evaluations/", 1),
        "na_rate": ("/evaluations/", 4),
        "qa_complaints": ("/complaints/", 2),
        "complaints_taken_rate": ("/complaints/", 1),
        "qa_answered": ("/surveys/answers/", 2),
        "satisfaction": ("/surveys/answers/", 2),
        "response_rate": ("/surveys/answers/", 2),
        "agents_coached": ("/coaching/", 1),
        "coaching_coverage": ("/coaching/", 1),
    }


def test_the_calls_that_agents_ticked_as_complaints_stand_behind_the_complaint_rate(client, facts):
    client.force_login(UserFactory(role="regional_manager"))

    cell = cells(client, "Zhuhai")["complaint_rate"]

    assert (cell.text, said(cell), length(client, cell.link)) == ("100.00", 1, 1)
    assert "customers=complained" in cell.link


def test_nobody_is_led_to_a_page_that_is_closed_to_them(client, facts):
    """The notes of coaching are not the region's; the data team reads figures and no evaluations."""
    client.force_login(UserFactory(role="regional_manager"))
    region = cells(client, "Foshan")
    client.force_login(UserFactory(role="data"))
    data = cells(client, "Foshan")

    assert (region["agents_coached"].text, region["agents_coached"].link) == ("1", "")
    assert region["qa_evaluations"].link
    assert (data["qa_evaluations"].text, data["qa_evaluations"].link) == ("5", "")


def test_the_figure_looked_at_has_its_interval_in_cards_course_groups_and_total(client, facts):
    """Of the five chosen at random one failed: Wilson's interval of 1 in 5."""
    low, high = (100 * bound for bound in wilson(1, 5))
    client.force_login(UserFactory(role="regional_manager"))

    found = board(client, figure="auto_fail_rate", grain="month")
    total = dict(zip([head.name for head in found.table.heads], found.table.total, strict=True))["auto_fail_rate"]

    assert total.between == f"{low:.1f}–{high:.1f}"
    assert (found.points[0].low, found.points[0].high, found.points[0].denominator) == pytest.approx((low, high, 5))
    assert found.frame.trend_title == "Auto-fail rate by month"
    card = next(card for card in found.cards if card.label == "Auto-fail rate")
    assert card.between == "too few to mean much"  # under 30


def test_a_score_has_the_interval_of_a_weighted_mean_within_its_bounds(client, facts):
    """80, 80, 80 and the failed one of 50: 72.5, a standard deviation of 15, so ± 3.182 x 15 / 2. With 100, 100, 100 and 80 it is 95 ± 15.9,
    of which 100 is the end."""
    client.force_login(UserFactory(role="regional_manager"))
    cell = cells(client, "")["quality_score"]
    assert (cell.text, cell.between) == ("72.5", "48.6–96.4")

    Evaluation.objects.filter(reported=80, pick="random").update(reported=100)
    Evaluation.objects.filter(reported=50, pick="random").update(reported=80)

    cell = cells(client, "")["quality_score"]
    assert (cell.text, cell.between) == ("95.0", "79.1–100.0")


def merged(*customers):
    """Each into the next, so that all are the last; the rows keep the customers that they were made for."""
    for gone, kept in pairwise(customers):
        Customer.objects.filter(pk=gone).update(merged_into=kept)


def test_a_merged_person_who_complained_under_each_of_their_rows_is_one_of_those_reached(client, qa):
    """Three rows of one person and another person were reached; each row complained, so did nobody else: 1 of 2."""
    team = TeamFactory()
    calls = [call_of(team, at=f.at(DAY), customer=CustomerFactory(city=team.city)) for _n in range(4)]
    for call in calls[:3]:
        complained(call, qa)
    merged(*(call.customer_id for call in calls[:3]))
    f.roll_up()
    client.force_login(UserFactory(role="regional_manager"))

    total = cells(client, "")["complaints_taken_rate"]

    assert (total.text, said(total), length(client, total.link)) == ("50.00", 1, 1)
    assert length(client, total.link.replace("counted=customers", "counted=complaints")) == 3


def test_complaints_ahead_of_the_rollup_leave_the_page_standing(client, qa):
    """Two complained, of whom one alone is counted as reached until the day is rolled up again."""
    team = TeamFactory()
    first = call_of(team, at=f.at(DAY), customer=CustomerFactory(city=team.city))
    f.roll_up()
    later = call_of(team, at=f.at(DAY), customer=CustomerFactory(city=team.city))
    for call in (first, later):
        complained(call, qa)
    client.force_login(UserFactory(role="regional_manager"))

    cell = cells(client, "", figure="complaints_taken_rate")["complaints_taken_rate"]

    assert (cell.text, cell.between) == ("200.00", "")


def test_scores_that_are_all_alike_leave_open_how_sure_they_are(client, facts):
    Evaluation.objects.filter(reported=50).update(reported=80)
    client.force_login(UserFactory(role="regional_manager"))

    cell = cells(client, "")["quality_score"]

    assert (cell.text, cell.between, cell.place) == ("80.0", "", "")


def test_answers_that_are_all_alike_leave_open_how_sure_they_are_whatever_their_weight(client, rule):
    """Forty 5 of calls drawn with a chance of 0.12: the weights have no end and come rounded."""
    team = TeamFactory()
    agent, customer = UserFactory(agent=team), CustomerFactory(city=team.city)
    for _n in range(40):
        asked(call_of(team, at=f.at(DAY), agent=agent, customer=customer), rule, 5)
    SurveyAsk.objects.update(probability=0.12)
    f.roll_up()
    client.force_login(UserFactory(role="regional_manager"))

    cell = cells(client, "", figure="satisfaction")["satisfaction"]

    assert (cell.text, cell.between) == ("5.00", "")


def test_the_file_and_the_interface_hold_exactly_the_columns_shown(client, facts):
    client.force_login(UserFactory(role="regional_manager"))
    page = client.get(reverse("metrics:indicators"), RANGE).context
    shown = [head.name for head in page["table"].heads]

    file = client.get(page["frame"].csv_url)
    rows = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig"))))
    posted = json.loads(b"".join(client.get("/api/v1/indicators/", {**RANGE, "by": "city"})))
    every = client.get(page["frame"].whole_url)
    assert b"".join(every.streaming_content)[:2] == b"PK"

    assert sorted(rows[0]) == sorted(["period", "city", *shown])
    assert [(row["city"], row["qa_evaluations"], row["auto_fail_rate"]) for row in rows] == [
        ("Foshan", "5", "20.0"),
        ("Zhuhai", "0", ""),
    ]
    assert list(posted[0]) == list(rows[0])
    assert every["Content-Disposition"].endswith('.xlsx"')


def test_the_chart_of_a_score_names_no_unit(client, facts):
    """From 0 to 100: no ratio, as the registry calls what has no unit."""
    client.force_login(UserFactory(role="regional_manager"))

    file = client.get(reverse("metrics:indicators-xlsx"), {**RANGE, "by": "period", "grain": "day"})

    book = openpyxl.load_workbook(io.BytesIO(b"".join(file.streaming_content)))
    [chart] = [chart for sheet in book for chart in sheet._charts]
    assert "".join(run.t for part in chart.title.tx.rich.p for run in part.r) == "Quality score by period"


def test_unknown_columns_are_refused_by_the_interface_and_left_out_of_account_by_the_page(client, facts):
    client.force_login(UserFactory(role="regional_manager"))

    refused = client.get("/api/v1/indicators/", {**RANGE, "columns": "moon"})
    page = client.get(reverse("metrics:indicators"), {**RANGE, "columns": "moon", "figure": "quality_score"})

    assert refused.status_code == 400
    assert "only sales, economics, quality" in refused.content.decode()
    assert (page.context["state"].columns.key, page.context["state"].figure) == ("sales", "success_rate")


KEPT_FROM_AGENTS = {"qa_complaints", "complaints_taken_rate", "qa_answered", "satisfaction", "response_rate"}


def test_an_agent_reads_no_answer_and_no_complaint_about_the_own_calls(client, facts):
    """On the page, in the files and over the interface, whatever the address asks for; a leader reads them."""
    _foshan, first, agent = facts

    def told():
        page = client.get(reverse("metrics:indicators"), {**RANGE, "figure": "satisfaction"}).context
        file = client.get(reverse("metrics:indicators-csv"), RANGE)
        heads = b"".join(file.streaming_content).decode("utf-8-sig").splitlines()[0].split(",")
        days = {"from": RANGE["from"], "to": RANGE["to"]}
        bare, cut = (json.loads(client.get("/api/v1/indicators/", asked).getvalue())[0] for asked in (days, RANGE))
        shown = {head.name for head in page["table"].heads}
        return page, [KEPT_FROM_AGENTS & set(found) for found in (shown, heads, bare, cut)]

    client.force_login(UserFactory(leader=first))
    of_leaders, leaders = told()
    client.force_login(agent)
    page, own = told()

    counts = {"qa_complaints", "qa_answered"}
    assert leaders == [KEPT_FROM_AGENTS, KEPT_FROM_AGENTS, KEPT_FROM_AGENTS - counts, KEPT_FROM_AGENTS]
    assert own == [set()] * 4
    assert (page["state"].figure, page["table"].total[0].text) == ("quality_score", "4")
    assert not {"Satisfaction", "Complaints taken"} & {card.label for card in page["board"].cards}
    words = [f"{found['state'].columns.counted} {found['state'].columns.note}".lower() for found in (of_leaders, page)]
    assert ["complaints" in text for text in words] == [True, False]


def test_the_columns_are_kept_on_the_way_down(client, facts):
    client.force_login(UserFactory(role="regional_manager"))

    line = board(client).table.lines[0]
    below = client.get(reverse("metrics:indicators") + line.link)

    assert below.context["state"].columns.key == "quality"
    assert 'name="columns" value="quality"' in below.content.decode()


def counted(client, **query):
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        board(client, **query)
    return captured.captured_queries


@pytest.mark.parametrize("by", ["city", "agent"])
def test_the_page_runs_as_many_queries_for_three_groups_as_for_six(client, facts, version, qa, by):
    client.force_login(UserFactory(role="regional_manager"))
    few = counted(client, by=by)
    for _n in range(3):
        scored(call_of(TeamFactory(), at=f.at(DAY)), version, qa)
    f.roll_up()

    assert len(counted(client, by=by)) == len(few)


def test_who_looks_at_calls_and_sales_does_not_wait_for_quality(client, facts):
    client.force_login(UserFactory(role="regional_manager"))

    asked_for = [query["sql"] for query in counted(client, columns="sales")]

    assert not [sql for sql in asked_for if "qa_evaluation" in sql or "qa_surveyask" in sql or "staffing_" in sql]


def test_days_without_calls_say_so(client, facts):
    client.force_login(UserFactory(role="regional_manager"))
    day = date(2019, 1, 1).isoformat()

    assert (
        "Nothing was counted in this period."
        in client.get(reverse("metrics:indicators"), {**RANGE, "from": day, "to": day}).content.decode()
    )
