"""What coaching did, beyond the bounce that comes without it."""

import random

import pytest

from staffing.coaching_effect import EARLY, FEW_ANSWERS, FEW_PEERS, HELPED, WORSE, Course, effect_of

# changes of +6, +10, +4, +8, +2 points: mean 6, standard deviation root of 0.001
PEERS = [
    Course(30, 50, 33, 50),
    Course(30, 50, 35, 50),
    Course(29, 50, 31, 50),
    Course(31, 50, 35, 50),
    Course(30, 50, 31, 50),
]


def test_a_case_by_hand():
    """60 to 80 %; peers bounce by 6 points, so 66 was to be expected; 14 beyond, ± 2.776445 * 0.0316228 * root of 1.2 = 0.096179."""
    effect = effect_of(Course(12, 20, 16, 20), PEERS)

    assert effect.state == HELPED
    assert effect.peers == 5
    assert effect.bounce == pytest.approx(0.06)
    assert effect.expected == pytest.approx(0.66)
    assert effect.value == pytest.approx(0.14)
    assert (effect.low, effect.high) == (pytest.approx(0.043821, abs=1e-5), pytest.approx(0.236179, abs=1e-5))


def test_what_the_peers_reach_as_well_is_told_as_too_early_with_the_answers_still_needed():
    """60 to 70 %: 4 points beyond the bounce; 20 * (0.096179 / 0.04) ** 2 = 115.6 answers, 20 are there."""
    effect = effect_of(Course(12, 20, 14, 20), PEERS)

    assert (effect.state, effect.cannot_tell_yet, effect.more) == (EARLY, True, 96)


def test_no_number_of_answers_is_named_where_there_is_no_difference():
    effect = effect_of(Course(30, 50, 33, 50), PEERS)

    assert (effect.state, effect.more) == (EARLY, None)


def test_who_falls_where_the_peers_rise_did_worse():
    assert effect_of(Course(12, 20, 10, 20), PEERS).state == WORSE


def test_too_few_answers_are_counted_before_and_after():
    effect = effect_of(Course(3, 4, 7, 8), PEERS)

    assert (effect.state, effect.more, effect.value) == (FEW_ANSWERS, 8, None)


def test_nobody_measured_yet_is_too_few_as_well():
    assert effect_of(Course(0, 0, 0, 0), []).more == 20


def test_only_peers_who_started_within_five_points_and_with_enough_answers_count():
    far, thin, edge = Course(40, 50, 45, 50), Course(3, 5, 4, 5), Course(65, 100, 70, 100)

    effect = effect_of(Course(12, 20, 16, 20), [far, thin, edge])

    assert (effect.state, effect.peers, effect.more) == (FEW_PEERS, 1, 4)


def test_with_no_effect_at_all_the_lowest_improve_and_are_not_told_to_have_been_helped():
    chance = random.Random(7)
    told, changes = [], []
    for _sitting in range(100):
        agents = [_unchanged(chance) for _agent in range(60)]
        low = sorted(agents, key=lambda agent: agent.before)[:12]
        effect = effect_of(low[6], [agent for agent in agents if agent is not low[6]])
        told.append(effect.state in (HELPED, WORSE))
        changes.append(sum(agent.change for agent in low) / 12)

    assert sum(changes) / 100 > 0.03
    assert sum(told) <= 10


def _unchanged(chance: random.Random) -> Course:
    skill = min(max(chance.gauss(0.8, 0.06), 0.0), 1.0)
    before, after = (sum(chance.random() < skill for _answer in range(30)) for _span in range(2))
    return Course(before, 30, after, 30)
