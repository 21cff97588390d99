"""The lists to which figures lead: filters in the address, scope, and what is not told."""

import re
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns.tests.factories import AT
from core.partitions import ensure_partitions
from customers.models import Customer
from customers.tests.factories import CustomerFactory
from metrics.queries import figures
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from qa.models import Complaint, ComplaintCategory, Evaluation, Questionnaire, SurveyAnswer, SurveyAsk, SurveyRule
from qa.tests.factories import call_of
from qa.tests.sheets import evaluated, form_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def qa():
    return UserFactory(role="qa")


@pytest.fixture
def manager(client):
    user = UserFactory(role="regional_manager")
    client.force_login(user)
    return user


@pytest.fixture
def rule(qa):
    texts = {"question_zh": "问", "question_en": "Q", "open_zh": "问", "open_en": "Q"}
    asked = Questionnaire.objects.create(code="after", number=1, made_by=qa, **texts)
    return SurveyRule.objects.create(questionnaire=asked, seed="s", made_by=qa)


def asked(rule, team, *, score=None, words="", state=None, at=AT):
    call = call_of(team, at=at, customer=CustomerFactory(city=team.city))
    ask = SurveyAsk.objects.create(
        rule=rule, call_id=call.pk, call_started_at=at, customer_id=call.customer_id, city_id=call.city_id, team_id=call.team_id,
        agent_id=call.agent_id, campaign_id=call.campaign_id, channel="sms", probability=1, state=state or ("answered" if score else "expired"),
        reason="asked" if state == "refused" else "", chosen_at=at, try_at=at, sent_at=None if state == "refused" else at,
        expires_at=None if state == "refused" else at + timedelta(days=7),
    )  # fmt: skip
    if score:
        SurveyAnswer.objects.create(ask=ask, score=score, words=words, at=at)
    return ask


def answers(client, **query):
    return client.get(reverse("qa:survey-answers"), query)


def shown(answer):
    return {row.pk for row, _link, _cells in answer.context["listing"].rows}


def test_the_answers_are_listed_with_who_was_asked_and_has_not_answered(client, manager, rule):
    team = TeamFactory()
    with_answer, without = asked(rule, team, score=4, words="Quick"), asked(rule, team)
    asked(rule, team, state="refused")

    answer = answers(client)

    assert shown(answer) == {with_answer.pk, without.pk}
    assert "Quick" in answer.content.decode()
    assert shown(answers(client, answered="1")) == {with_answer.pk}
    assert shown(answers(client, answered="0")) == {without.pk}
    assert shown(answers(client, score="4")) == {with_answer.pk}
    assert shown(answers(client, score="3")) == set()


def test_words_of_a_person_who_is_locked_are_shown_to_nobody(client, manager, rule):
    ask = asked(rule, TeamFactory(), score=4, words="Quick")
    Customer.objects.filter(pk=ask.customer_id).update(is_locked=True)

    answer = answers(client)

    assert shown(answer) == {ask.pk}
    assert "Quick" not in answer.content.decode()


def test_a_city_sees_its_own_answers_and_no_name_of_another(client, rule):
    own, other = TeamFactory(), TeamFactory(city=CityFactory(name="Elsewhere"))
    ask = asked(rule, own, score=4)
    asked(rule, other, score=5)
    client.force_login(UserFactory(role="city_manager", city=own.city))

    assert shown(answers(client)) == {ask.pk}
    foreign = answers(client, of_city=str(other.city_id))
    assert shown(foreign) == set()
    assert "Elsewhere" not in foreign.content.decode()


def test_agents_are_turned_away_from_answers(client):
    client.force_login(UserFactory(agent=TeamFactory()))

    assert answers(client).status_code == 403


def test_the_list_of_answers_runs_as_many_queries_for_three_as_for_one(client, manager, rule):
    team = TeamFactory()

    def counted():
        answers(client)  # who is asking is known then, whoever else was made meanwhile
        with CaptureQueriesContext(connection) as captured:
            answers(client)
        return len(captured)

    asked(rule, team, score=4)
    one = counted()
    for _n in range(2):
        asked(rule, team, score=4)

    assert counted() == one


def test_the_places_of_a_figure_are_told_above_the_rows(client, manager, rule):
    team = TeamFactory(city=CityFactory(name="Foshan"))
    asked(rule, team, score=4)
    asked(rule, TeamFactory(), score=4)

    answer = answers(client, of_city=str(team.city_id), of_team=str(team.pk))

    assert len(shown(answer)) == 1
    assert answer.context["listing"].note == f"Only Foshan, {team}."


def complaint_of(call, by, category="price", at=AT):
    return Complaint.objects.create(
        customer_id=call.customer_id, city_id=call.city_id, call_id=call.pk, call_started_at=call.started_at, campaign_id=call.campaign_id,
        team_id=call.team_id, agent_id=call.agent_id, category=ComplaintCategory.objects.get(code=category), severity="normal",
        received_by=by, received_at=at, due_at=at,
    )  # fmt: skip


def test_complaints_are_found_by_the_day_of_the_call_and_one_of_each_customer(client, manager, qa):
    """Two of one call, received a week later; one of a call that nobody answered; one of a call of the day before."""
    team, later = TeamFactory(), AT + timedelta(days=7)
    call = call_of(team)
    first = complaint_of(call, qa, at=later)
    second = complaint_of(call, qa, "manner", at=later)
    unanswered = complaint_of(call_of(team, connected=False), qa)
    earlier = complaint_of(call_of(team, at=AT - timedelta(days=1)), qa)
    day = AT.date().isoformat()

    def found(**query):
        return shown(client.get(reverse("qa:complaints"), query))

    assert found(called_since=day, called_until=day) == {first.pk, second.pk, unanswered.pk}
    assert found(called_since=day, called_until=day, counted="complaints") == {first.pk, second.pk}
    assert found(counted="customers") == {first.pk, earlier.pk}


def months_opened(read):
    """Partitions of calls that statements about complaints open, by their plans."""
    with CaptureQueriesContext(connection) as captured:
        read()
    asked = [query["sql"] for query in captured if "qa_complaint" in query["sql"] and "campaigns_call" in query["sql"]]
    plans = []
    with connection.cursor() as cursor:
        for sql in asked:
            cursor.execute("EXPLAIN " + sql)
            plans += [row[0] for row in cursor.fetchall()]
    return {found for line in plans for found in re.findall(r"campaigns_call_\d{4}_\d\d", line)}


def test_the_figure_and_the_list_of_complaints_read_the_calls_of_their_days_alone(client, manager, qa):
    """Calls lie in partitions by month."""
    ensure_partitions("campaigns_call", date(2026, 9, 1), 4)
    complaint_of(call_of(at=AT), qa)
    day = AT.date()
    query = {"called_since": day, "called_until": day, "counted": "customers"}

    listed = months_opened(lambda: client.get(reverse("qa:complaints"), query))
    told = months_opened(lambda: figures(since=day, until=day, measures=["qa_complaints"]))

    assert listed == told == {"campaigns_call_2026_11"}


def test_evaluations_are_found_by_what_figures_tell_apart(client, manager, qa):
    version, team = form_of(qa), TeamFactory()
    good, grave, nothing = (
        evaluated(call_of(team), version, qa, told=told)
        for told in ({}, {"Insults": "yes"}, dict.fromkeys(("Greets", "Insults", "Asks for the order", "Thanks"), "na"))
    )
    Evaluation.objects.update(pick="random", probability=0.5)

    def found(**query):
        return shown(client.get(reverse("qa:evaluations"), {"pick": "published", **query}))

    assert found(found="score") == {good.pk, grave.pk}
    assert found(found="grave") == {grave.pk}
    assert found() == {good.pk, grave.pk, nothing.pk}
    assert found(of_agent=str(good.agent_id)) == {good.pk}


def test_a_scorer_is_told_why_the_list_is_shorter_than_the_figure(client, manager, qa):
    evaluated(call_of(), form_of(qa), qa)
    Evaluation.objects.update(pick="random", probability=0.5)
    query = {"pick": "published"}

    assert client.get(reverse("qa:evaluations"), query).context["listing"].note == ""
    client.force_login(qa)
    answer = client.get(reverse("qa:evaluations"), query)

    assert shown(answer) == set()
    assert "What you scored yourself is left out" in answer.content.decode()
    assert "is left out here and in your figures" in answer.content.decode()


def test_the_counts_of_answers_are_kept_with_the_score(qa):
    version = form_of(qa)

    made = evaluated(call_of(), version, qa, told={"Insults": "yes", "Greets": "na"})

    assert (made.answers_given, made.answers_na, made.is_grave) == (4, 1, True)
