"""Competency growth: shares counted by hand, and who sees whose."""

from datetime import date

import pytest
from django.urls import reverse

from metrics.tests import factories as f
from people.models import Membership
from people.tests.factories import TeamFactory, UserFactory
from qa.models import Evaluation, FormItem
from qa.services import evaluations, forms
from qa.tests.factories import call_of
from qa.tests.sheets import evaluated, form_of
from staffing import queries_growth as queries
from staffing.growth import NOTHING, TOP, Part, moved, outline, point_of
from staffing.views import growth as growth_views

MARCH, JUNE = date(2026, 3, 1), date(2026, 6, 1)


def calls(earned, of=2, n=1, weight=1.0):
    return [Part(weight, of, earned, of)] * n


def test_a_share_is_the_weight_done_well_of_the_weight_that_applied():
    """Calls of weight 1 with 1 of 2, and of weight 3 with 2 of 2: (1 + 6) / (2 + 6) = 7 / 8, 3.5 on the scale of 4."""
    point = point_of([*calls(1), *calls(2, weight=3.0)])

    assert point.share == pytest.approx(0.875)
    assert point.score == pytest.approx(3.5)
    assert (point.calls, point.answers, TOP) == (2, 4, 4)


def test_what_did_not_apply_and_what_weighs_nothing_has_no_share():
    assert point_of([]) == NOTHING
    assert point_of(calls(0, of=0, n=9)) == NOTHING


def test_answers_of_one_call_are_one_observation_when_they_go_together():
    """Ten calls, all good or all bad, of four answers: as sure as ten observations less one, not as forty."""
    point = point_of([*calls(4, of=4, n=5), *calls(0, of=4, n=5)])

    assert point.share == 0.5
    assert point.size == pytest.approx(9.0)


def test_a_single_call_and_calls_all_alike_are_never_surer_than_their_number():
    assert point_of(calls(1)).size == 1
    assert point_of(calls(2, n=6)).size == 6
    assert point_of(calls(2, n=6)).high == 1.0


def test_a_change_is_told_only_when_it_is_more_than_chance():
    mixed = [*calls(2, n=15), *calls(0, n=15)]
    assert moved(point_of([*calls(2, n=4), *calls(0, n=26)]), point_of([*calls(2, n=26), *calls(0, n=4)])) == "up"
    assert moved(point_of(mixed), point_of([*calls(2, n=16), *calls(0, n=14)])) == ""
    assert moved(point_of(calls(0, n=4)), point_of(calls(2, n=30))) == "few"


def test_a_radar_has_no_surface_where_an_axis_has_no_figure():
    full = point_of(calls(1))
    assert outline([full, full, NOTHING]) == ""
    assert len(outline([full, full, full]).split()) == 3


# -- from evaluations --------------------------------------------------------------------------------------------------


@pytest.fixture
def qa(db):
    return UserFactory(role="qa")


@pytest.fixture
def version(qa):
    made = form_of(qa)
    return made


@pytest.fixture
def team(db):
    return TeamFactory()


def scored(version, qa, team, month=MARCH, *, pick="random", told=None, **fields):
    made = evaluated(call_of(team, at=f.at(month.replace(day=10)), **fields), version, qa, told=told)
    if pick in Evaluation.PUBLISHED_PICKS:
        Evaluation.objects.filter(pk=made.pk).update(pick=pick, probability=0.5)
    return made


def shares(user, version, months=(MARCH, JUNE), **who):
    found = queries.growth(queries.scored(user, months, **who), version.form_id, months)
    return {row.name: [point.share for point in row.points] for row in found.stages}


def test_stages_stand_side_by_side_at_both_dates(qa, version, team):
    """March: closing 1 of 2 and 2 of 2. June: thanks does not apply, the order was not asked for: 0 of 1."""
    scored(version, qa, team)
    scored(version, qa, team, told={"Asks for the order": "yes"})
    scored(version, qa, team, JUNE, told={"Thanks": "na"})

    assert shares(qa, version, team_id=team.pk) == {"Opening": [1.0, 1.0], "Closing": [0.75, 0.0]}


def test_a_stage_of_which_nothing_applied_has_no_figure(qa, version, team):
    scored(version, qa, team, told={"Asks for the order": "na", "Thanks": "na"})

    assert shares(qa, version, team_id=team.pk)["Closing"] == [None, None]


def test_calls_chosen_by_hand_and_those_taken_back_do_not_count(qa, version, team):
    scored(version, qa, team, pick="requested")
    back = scored(version, qa, team)
    evaluations.withdraw(evaluation=back, reason="mistaken", by=qa, at=f.at(MARCH))

    assert shares(qa, version, team_id=team.pk) == {}


def test_an_evaluation_stays_with_the_team_of_the_call(qa, version, team):
    agent, other = UserFactory(agent=team), TeamFactory()
    scored(version, qa, team, agent=agent)
    Membership.objects.filter(user=agent).update(team=other)
    scored(version, qa, other, JUNE, agent=agent)

    assert shares(qa, version, team_id=team.pk)["Closing"] == [0.5, None]
    assert shares(qa, version, team_id=other.pk)["Closing"] == [None, 0.5]
    assert shares(qa, version, agent_id=agent.pk)["Closing"] == [0.5, 0.5]


def test_a_stage_whose_items_changed_between_the_dates_is_marked(qa, version, team):
    scored(version, qa, team)
    draft = forms.new_version(form=version.form, by=qa, at=f.at(JUNE))
    item = FormItem.objects.get(stage__version=draft, text="Thanks")
    item.weight = 3
    forms.save_item(version=draft, item=item, by=qa)
    newer = forms.publish(version=draft, by=qa, at=f.at(JUNE))
    scored(newer, qa, team, JUNE)
    months = (MARCH, JUNE)

    found = queries.growth(queries.scored(qa, months, team_id=team.pk), version.form_id, months)

    assert {row.name: row.is_changed for row in found.stages} == {"Opening": False, "Closing": True}
    assert [column.versions for column in found.columns] == [[1], [2]]
    assert found.has_new_version
    assert found.stages[1].points[1].share == 0.75  # 3 of 4


# -- the page ----------------------------------------------------------------------------------------------------------


def page_of(client, user, **query):
    client.force_login(user)
    return client.get(reverse("staffing:growth"), query)


def page(client, user, **query):
    return page_of(client, user, **{"month": ["2026-03", "2026-06"], **query})


@pytest.mark.parametrize("chart", ["dumbbell", "radar"])
def test_the_leader_sees_the_team_and_the_way_to_the_evaluations(client, qa, version, team, chart):
    scored(version, qa, team)
    scored(version, qa, team, JUNE)

    found = page(client, UserFactory(role="team_leader", team=team), chart=chart)

    text = found.content.decode()
    assert "Closing" in text
    assert "2.0" in text  # 4 x 1/2
    assert "growth-plot" in text
    assert "too few" in text
    assert "pick=published" in text


def test_an_agent_sees_the_own_and_of_nobody_else(client, qa, version, team):
    agent, other = UserFactory(agent=team), UserFactory(agent=team)
    scored(version, qa, team, agent=agent)

    assert "Closing" in page(client, agent).content.decode()
    assert "Closing" not in page(client, other).content.decode()
    assert page(client, other, agent=agent.pk).status_code == 404
    assert page(client, other, team=team.pk).status_code == 404


def test_without_chosen_months_the_first_and_the_last_with_scored_calls_are_shown(
    client, qa, version, team, monkeypatch
):
    """In September of 2026: scored in June and July, and long before in March; of one scored in July alone, this month stands beside it."""
    monkeypatch.setattr(growth_views, "database_now", lambda: f.at(date(2026, 9, 10)))
    agent, other = UserFactory(agent=team), UserFactory(agent=team)
    for month in (MARCH, JUNE, date(2026, 7, 6)):
        scored(version, qa, team, month, agent=agent)
    scored(version, qa, team, date(2026, 7, 6), agent=other)
    shown = lambda who: [column.first for column in page_of(client, qa, agent=who.pk).context["found"].columns]  # noqa: E731

    assert shown(agent) == [date(2026, 6, 1), date(2026, 7, 1)]
    assert shown(other) == [date(2026, 7, 1), date(2026, 9, 1)]


def test_another_city_sees_nothing(client, qa, version, team):
    agent = UserFactory(agent=team)
    scored(version, qa, team, agent=agent)
    stranger = UserFactory(role="city_manager", city=TeamFactory().city)

    assert page(client, stranger, team=team.pk).status_code == 404
    assert page(client, stranger, agent=agent.pk).status_code == 404
    assert "Closing" not in page(client, stranger).content.decode()


def test_who_reads_no_evaluations_and_who_is_not_signed_in_is_turned_away(client, db):
    assert client.get(reverse("staffing:growth")).status_code == 302
    assert page(client, UserFactory(role="data")).status_code == 403


@pytest.mark.parametrize(
    "query", [{"team": "x"}, {"agent": "99999999999999999999"}, {"form": "²"}, {"month": ["2026-13", "0000-01"]}]
)
def test_bad_words_in_the_address_are_passed_over(client, qa, team, query):
    assert page(client, qa, **query).status_code == 200


@pytest.mark.parametrize("n", [1, 3])
def test_the_page_asks_as_much_however_many_calls(client, qa, version, team, n, django_assert_num_queries):
    for _number in range(n):
        scored(version, qa, team)
    user = UserFactory(role="team_leader", team=team)
    client.force_login(user)
    with django_assert_num_queries(16):
        client.get(reverse("staffing:growth"), {"month": ["2026-03", "2026-06"]})
