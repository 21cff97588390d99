"""Agreement counted from evaluations: pooled over 30 calls, unclear items before strict scorers, and each within the own places."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns.tests.factories import AT
from people.models import Membership
from people.tests.factories import TeamFactory, UserFactory
from qa import queries_agreement as queries
from qa.models import Evaluation, EvaluationAnswer, ScoringTask
from qa.tests.sheets import GOOD, form_of, item

pytestmark = pytest.mark.django_db
Role = Membership.Role
FIRST_CALL = 900_000


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def anna(team):
    return UserFactory(role=Role.QA, city=team.city, display_name="Anna")


@pytest.fixture
def bo(team):
    return UserFactory(role=Role.QA, city=team.city, display_name="Bo")


@pytest.fixture
def form(anna):
    return form_of(UserFactory(role=Role.QA))


def pairs(n, team, form, one, other, *, first=None, second=None, start=FIRST_CALL, at=AT):
    """So many calls scored twice, all alike: all was done well unless `first` or `second` tells an item otherwise."""
    items = {text: item(form, text) for text in GOOD}
    made = []
    for number in range(start, start + n):
        of_call = {
            "call_id": number, "call_started_at": AT, "customer_id": 1, "city_id": team.city_id, "agent_id": 999_999, "team_id": team.pk, "campaign_id": 1,
        }  # fmt: skip
        both = []
        for scorer, told in ((one, first), (other, second)):
            row = Evaluation.objects.create(
                version=form,
                scorer=scorer,
                pick="calibration",
                submitted_at=at,
                definition="qa_score.v1",
                coverage=100,
                **of_call,
            )
            EvaluationAnswer.objects.bulk_create(
                EvaluationAnswer(evaluation=row, item=items[text], answer=answer)
                for text, answer in {**GOOD, **(told or {})}.items()
            )
            both.append(row)
        ScoringTask.objects.create(
            form=form.form,
            scorer=other,
            pick="calibration",
            source="double",
            source_id=both[0].pk,
            evaluation=both[1],
            done_at=at,
            **of_call,
        )
        made.append(both)
    return made


def board(user, form, **fields):
    return queries.board(queries.Chosen(user, form.form, **fields))


def of(found, text):
    return next(row for row in found.items if row.item.text == text)


def test_the_worked_case_of_100_calls_is_found_again_in_evaluations(team, form, anna, bo):
    # Greets: 85 both Yes, 5 Yes and No, 5 No and Yes, 5 both No
    no = {"Greets": "no"}
    pairs(85, team, form, anna, bo)
    pairs(5, team, form, anna, bo, second=no, start=FIRST_CALL + 100)
    pairs(5, team, form, anna, bo, first=no, start=FIRST_CALL + 200)
    pairs(5, team, form, anna, bo, first=no, second=no, start=FIRST_CALL + 300)

    found = of(board(anna, form), "Greets")

    figures = (found.found.kappa.value, found.found.alpha.value, found.found.ac1.value)
    assert [round(value, 3) for value in figures] == [0.444, 0.447, 0.878]
    assert (found.found.pairs, found.found.percent.value, found.state) == (100, 90.0, "clear")


def test_under_30_calls_nothing_is_said_but_how_many_are_missing(client, team, form, anna, bo):
    pairs(29, team, form, anna, bo)

    found = board(anna, form)

    assert (found.pairs, found.missing, found.items, found.scorers) == (29, 1, [], [])
    client.force_login(anna)
    page = client.get(reverse("qa:agreement"), {"form": form.form_id}).content.decode()
    assert "29 calls are scored twice so far" in page
    assert "1 more is needed before agreement says anything" in page


def test_unclear_items_stand_first_and_say_nothing_about_strictness(client, team, form, anna, bo):
    # Thanks: Bo says No in 20 of 40, Anna never: 50 % the same; q of Yes 3/4, p_e .375, AC1 .2
    pairs(20, team, form, anna, bo)
    pairs(20, team, form, anna, bo, second={"Thanks": "no"}, start=FIRST_CALL + 100)

    found = board(anna, form)

    assert found.items[0].item.text == "Thanks"
    assert (found.items[0].state, round(found.items[0].found.ac1.value, 3)) == ("unclear", 0.2)
    assert [row.item.text for row in found.unclear] == ["Thanks"]
    assert [(row.scorer, row.milder.value) for row in found.scorers] == [("Anna", 0.0), ("Bo", 0.0)]
    client.force_login(anna)
    page = client.get(reverse("qa:agreement"), {"form": form.form_id}).content.decode()
    assert "1 item is unclear" in page


def test_a_strict_scorer_is_told_from_clear_items_with_an_interval(team, form, anna, bo):
    # of 40 calls Bo says No in 8 where Anna says Yes, of 4 items each: 25 points in 8 calls, 0 in 32; mean 5
    pairs(32, team, form, anna, bo)
    pairs(8, team, form, anna, bo, second={"Greets": "no"}, start=FIRST_CALL + 100)

    strict = next(row for row in board(anna, form).scorers if row.scorer == "Bo")

    assert (strict.calls, round(strict.milder.value, 6)) == (40, -5.0)
    # spread of 8 x 25 and 32 x 0: sqrt((8 * 20^2 + 32 * 5^2) / 39) = 10.127; t of 39 degrees 2.0227; half 3.239
    assert (round(strict.milder.low, 2), round(strict.milder.high, 2)) == (-8.24, -1.76)
    assert strict.milder.is_clear


def test_who_says_does_not_apply_more_often_than_the_others_is_shown(team, form, anna, bo):
    # Bo says it of 2 of 4 items in each of 30 calls, Anna never
    pairs(30, team, form, anna, bo, second={"Greets": "na", "Thanks": "na"})

    found = board(anna, form)

    watch = {row.scorer: row for row in found.scorers}
    assert (watch["Bo"].own_na, watch["Bo"].other_na, watch["Bo"].na.value) == (50.0, 0.0, 50.0)
    assert (watch["Anna"].own_na, watch["Anna"].na.value) == (0.0, -50.0)
    greets = of(found, "Greets")
    assert (greets.na, greets.na_elsewhere) == (0.5, 15 / 90)  # half of the answers; of the others 30 of 180
    assert greets.na_is_high


def test_what_was_taken_back_or_is_of_another_period_city_or_form_does_not_count(team, form, anna, bo):
    made = pairs(31, team, form, anna, bo)
    Evaluation.objects.filter(pk=made[0][0].pk).update(withdrawn_at=timezone.now())
    other = TeamFactory()
    pairs(3, other, form, anna, bo, start=FIRST_CALL + 100)
    pairs(2, team, form, anna, bo, start=FIRST_CALL + 200, at=AT + timedelta(days=40))
    region = UserFactory(role=Role.REGIONAL_MANAGER)

    assert board(region, form).pairs == 35
    assert board(region, form, until=AT + timedelta(days=1)).pairs == 33
    assert board(region, form, since=AT + timedelta(days=1)).pairs == 2
    assert board(region, form, city=other.city).pairs == 3
    assert board(region, form_of(UserFactory(role=Role.QA), "other")).pairs == 0
    assert board(anna, form).pairs == 32  # of her city alone


def test_the_page_is_counted_in_as_many_statements_however_many_calls(team, form, anna, bo, django_assert_num_queries):
    pairs(30, team, form, anna, bo)
    board(anna, form)  # what she may see is asked once
    with django_assert_num_queries(5):  # pairs, counts, items, scorers, their names
        board(anna, form)
    pairs(30, team, form, anna, bo, start=FIRST_CALL + 100)
    with django_assert_num_queries(5):
        board(anna, form)


@pytest.mark.parametrize(
    "query",
    ["form=x", "form=99999999999999999999", "since=x&until=0001-01-01", "since=9999-12-31&until=9999-12-31", "city=x"],
)
def test_bad_filters_are_left_out(client, form, query):
    client.force_login(UserFactory(role=Role.REGIONAL_MANAGER))

    assert client.get(f"{reverse('qa:agreement')}?{query}").status_code == 200


def test_a_city_asks_for_no_other_and_who_does_not_answer_for_it_is_turned_away(client, team, form, anna):
    other = TeamFactory()
    client.force_login(anna)
    page = client.get(reverse("qa:agreement"), {"city": other.city_id}).content.decode()
    assert "What could not be read in the filters is left out." in page
    client.force_login(UserFactory(role=Role.TEAM_LEADER, team=team))
    assert client.get(reverse("qa:agreement")).status_code == 403


def test_the_share_is_set_on_the_page_by_the_region_alone(client, anna, form):
    from qa.services import doubles

    client.force_login(anna)
    assert client.post(reverse("qa:double-share"), {"percent": 9}).status_code == 403
    client.force_login(UserFactory(role=Role.REGIONAL_MANAGER))
    client.post(reverse("qa:double-share"), {"percent": "99"})
    assert doubles.share() == 5
    client.post(reverse("qa:double-share"), {"percent": "9"})
    assert doubles.share() == 9
