"""Items in points where quality is counted: agreement of scorers, auto-fails, common errors. Counted by hand."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.tests.factories import CampaignFactory
from metrics import queries, registry
from metrics.tests import factories as f
from people.tests.factories import TeamFactory, UserFactory
from qa import wrap_up_content
from qa.models import Evaluation, EvaluationAnswer, ScoringTask
from qa.queries_agreement import Chosen, board
from qa.services import bulletins, forms
from qa.tests.factories import AT, call_of
from qa.tests.sheets import IN_POINTS, draft_in_points, item, scored_in_points

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def qa(team):
    return UserFactory(role="qa", city=team.city)


@pytest.fixture
def version():
    writer = UserFactory(role="qa")
    return forms.publish(version=draft_in_points(writer), by=writer, at=AT)


def drawn(call, version, qa, at=AT, **told):
    made = scored_in_points(call, version, qa, at=at, told=told)
    Evaluation.objects.filter(pk=made.pk).update(pick="random", probability=0.5)
    return made


# -- agreement ---------------------------------------------------------------------------------------------------------


def pairs(n, team, version, one, other, first, second, start):
    """So many calls scored twice, "Explains" answered by `first` and `second`, the rest alike."""
    for number in range(start, start + n):
        of_call = {
            "call_id": number, "call_started_at": AT, "customer_id": 1, "city_id": team.city_id, "agent_id": 999_999, "team_id": team.pk, "campaign_id": 1,
        }  # fmt: skip
        both = []
        for scorer, points in ((one, first), (other, second)):
            row = Evaluation.objects.create(
                version=version, scorer=scorer, pick="calibration", submitted_at=AT, definition="qa_score.v1", coverage=75, **of_call
            )  # fmt: skip
            for text, answer in {**IN_POINTS, "Explains": points}.items():
                EvaluationAnswer.objects.create(evaluation=row, item=item(version, text), answer=answer)
            both.append(row)
        ScoringTask.objects.create(
            form=version.form, scorer=other, pick="calibration", source="double", source_id=both[0].pk, evaluation=both[1], done_at=AT, **of_call
        )  # fmt: skip


def test_two_scorers_agree_when_they_give_the_same_points_and_differ_by_shares(version, team, qa):
    """30 calls: 27 with 4 and 4 points, 3 with 5 and 4. Same answer 90 %; the first is 3 x (1 - 0.8) / 2 items / 30 = 0.01 milder."""
    other = UserFactory(role="qa", city=team.city)
    pairs(27, team, version, qa, other, "4", "4", 900_000)
    pairs(3, team, version, qa, other, "5", "4", 900_100)

    found = board(Chosen(qa, version.form))

    explains = next(row for row in found.items if row.item.text == "Explains")
    assert (explains.found.pairs, explains.found.percent.value) == (30, pytest.approx(90.0))
    # q of 4 points 57/60, of 5 points 3/60: p_e = 2 x 0.95 x 0.05 = 0.095, (0.9 - 0.095) / 0.905
    assert explains.found.ac1.value == pytest.approx(0.88950, abs=1e-5)
    gap = next(row for row in found.scorers if row.scorer == str(qa))
    assert gap.milder is not None
    assert gap.milder.value == pytest.approx(1.0)


# -- figures -----------------------------------------------------------------------------------------------------------


def test_points_that_fail_a_call_count_as_an_auto_fail(version, team, qa):
    """Two calls of one chance: 1 of 5 points fails, 2 of 5 do not."""
    for points in ("1", "2"):
        drawn(call_of(team, at=f.at(f.DAY)), version, qa, Explains=points)

    found = queries.figures(since=f.DAY, until=f.DAY, by=()).total

    assert found.value(registry.indicator("auto_fail_rate")) == pytest.approx(50.0)
    # Greets 1, Explains 1/5 and 2/5 with weight 2: (1 + 0.4) / 3 and (1 + 0.8) / 3
    assert found.value(registry.indicator("quality_score")) == pytest.approx(100 * (1.4 / 3 + 1.8 / 3) / 2, abs=1e-3)
    assert found.value(registry.indicator("na_rate")) == pytest.approx(100 * 2 / 6)


def test_a_wrap_up_tells_lost_points_in_tenths(version, team, qa):
    """3 of 5 and 4 of 5 points: 0.4 + 0.2 of two answers; 10 of 10 are no error, Greets No is a whole one."""
    campaign = CampaignFactory(city=team.city)
    for told in ({"Thanks": "10"}, {"Explains": "4", "Greets": "no"}):
        drawn(call_of(team, campaign=campaign, at=f.at(f.DAY)), version, qa, **told)

    found = wrap_up_content._errors(campaign, f.DAY, f.DAY)

    assert [(row["texts"][0], row["bad"], row["n"]) for row in found["errors"]] == [
        ("Greets", 1, 2),
        ("Explains", 0.6, 2),
    ]


def test_an_appeal_decided_for_the_agent_counts_the_points_it_found_right(version, team, qa):
    from qa.services import evaluations

    campaign, agent = CampaignFactory(city=team.city), UserFactory(agent=team)
    made = drawn(call_of(team, agent=agent, campaign=campaign, at=f.at(f.DAY)), version, qa, f.at(f.DAY))
    answer = made.answers.get(item__text="Explains")
    row = evaluations.appeal(answer=answer, reason="All of it", by=agent, at=f.at(f.DAY))
    other = UserFactory(role="qa", city=team.city)
    evaluations.decide(appeal=row, right_answer="5", ground="All was said", by=other, at=f.at(f.DAY))

    assert wrap_up_content._errors(campaign, f.DAY, f.DAY)["errors"] == []


def test_a_bulletin_tells_lost_points_in_tenths(client, version, team, qa):
    campaign = CampaignFactory(city=team.city)
    drawn(call_of(team, campaign=campaign, at=AT), version, qa, Explains="2")

    made = bulletins.compose(campaign=campaign, by=qa, at=AT)

    assert [(row["item"], row["n"], row["of"]) for row in made.figures["errors"]] == [("Explains", 0.6, 1)]
    client.force_login(qa)
    assert "Explains: 0.6 / 1" in client.get(reverse("qa:bulletin", args=[made.pk])).content.decode()
