"""Weights, levels and figures of likeness, by hand and on small made-up persons."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from campaigns.likeness import judging
from campaigns.likeness.design import Column, Feature, Table, code_matrix, find_features
from campaigns.likeness.fit import Weights, fit, loss, one_hot

B = np.array


def yes(*flags):
    return np.array(flags, dtype=bool)


def test_a_word_that_enough_persons_have_is_a_level_and_the_rest_are_one_together():
    people = [{"job": "nurse"}] * 30 + [{"job": "cook"}] * 25 + [{"job": "pilot"}] * 5 + [{"job": ""}] * 40
    table = Table(people)

    (feature,) = find_features(table, np.arange(100))

    assert feature == Feature("job", words=("cook", "nurse"))
    # not known 0, cook 1, nurse 2, all others 3
    assert np.bincount(code_matrix([feature], table)[:, 0]).tolist() == [40, 25, 30, 5]


def test_numbers_are_cut_into_equal_parts_and_words_among_them_are_not_known():
    people = [{"age": number} for number in range(1, 81)] + [{"age": None}] * 20
    table = Table(people)

    (feature,) = find_features(table, np.arange(100))

    assert feature.edges == (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0)
    assert feature.codes(Column.of([1, 10, 11, 80, 1000, None, "unknown", "1,000"])).tolist() == [
        1,
        1,
        2,
        8,
        8,
        0,
        0,
        8,
    ]


def test_what_names_each_person_or_everybody_alike_says_nothing():
    people = [{"number": f"N{row}", "country": "CN"} for row in range(200)]

    assert find_features(Table(people), np.arange(200)) == []


def test_the_gradient_is_that_of_the_loss():
    matrix = one_hot(B([[0, 1], [1, 2], [1, 0], [0, 2]]), [2, 3])
    theta = B([0.3, -0.2, 0.5, 0.1, -0.4, 0.7])
    bought = B([1.0, 0.0, 1.0, 0.0])

    assert matrix.toarray().tolist() == [[1, 0, 0, 1, 0], [0, 1, 0, 0, 1], [0, 1, 1, 0, 0], [1, 0, 0, 0, 1]]
    slope = approx_fprime(theta, lambda t: loss(t, matrix, bought)[0])
    assert loss(theta, matrix, bought)[1] == pytest.approx(slope, abs=1e-5)


def test_weights_come_back_from_json_and_score_the_same():
    people = [{"job": "nurse"}] * 50 + [{"job": "cook"}] * 50
    table = Table(people)
    features = find_features(table, np.arange(100))
    weights = fit(features, code_matrix(features, table), yes(*[True] * 40, *[False] * 60))

    again = Weights.of_json(weights.as_json())

    scores = again.score([{"job": "nurse"}, {"job": "cook"}, {}])
    assert scores[0] > scores[2] > scores[1]
    assert scores == pytest.approx(weights.score([{"job": "nurse"}, {"job": "cook"}, {}]), abs=1e-5)


def test_what_only_marks_a_good_month_earns_no_weight():
    # the form is new in the second month, in which everybody buys more often; within a month it makes no difference
    people, bought, periods = [], [], []
    for period, share, form in [(0, 10, "old"), (1, 50, "new")]:
        for other in range(2):
            people += [{"form": form if other == 0 else "both"}] * 100
            bought += [row < share for row in range(100)]
            periods += [period] * 100
    table = Table(people)
    features = find_features(table, np.arange(400))
    codes = code_matrix(features, table)

    def spread(which):
        scores = fit(features, codes, yes(*bought), which).score([{"form": "old"}, {"form": "new"}])
        return scores[1] - scores[0]

    assert spread(None) > 1
    assert abs(spread(np.array(periods))) < 0.25


def test_auc_counts_pairs_with_ties_half():
    # buyers 3 and 1, others 2 and 1: 3>2, 3>1, 1<2, 1=1: 2.5 of 4
    assert judging.auc(B([3, 1, 2, 1]), yes(1, 1, 0, 0)) == 0.625
    assert np.isnan(judging.auc(B([1, 2]), yes(1, 1)))


def test_the_variance_is_delongs():
    # above: 1 and .25 (shares of others below a buyer); below: .75 and .5 (shares of buyers above an other)
    # variances .28125 and .03125, halved and added
    assert judging.auc_variance(B([3, 1, 2, 1]), yes(1, 1, 0, 0)) == pytest.approx(0.15625)


def test_the_better_half_holds_its_buyers_and_a_part_of_those_at_the_cut():
    assert judging.upper_half(B([4, 3, 2, 1]), yes(1, 0, 1, 0)) == 1
    # three share the middle, one of them belongs to the better half
    assert judging.upper_half(B([9, 5, 5, 5]), yes(1, 1, 1, 0)) == pytest.approx(1 + 2 / 3)


def test_periods_are_months_when_there_are_enough_else_weeks_or_days():
    first = date(2026, 1, 5)
    assert judging.cut_periods([first + timedelta(days=31 * n) for n in range(4)])[0] == "month"
    assert judging.cut_periods([first + timedelta(days=7 * n) for n in range(4)])[0] == "week"
    grain, periods, numbers = judging.cut_periods([first, first + timedelta(days=1), first])
    assert (grain, len(periods), numbers.tolist()) == ("day", 2, [0, 1, 0])


def made(rows=1500, *, carries, seed=1):
    """Persons over six months; one in four buys, twice in five of those who have what carries."""
    chance = np.random.default_rng(seed)
    people, bought = [], []
    for _row in range(rows):
        person = {"plan": chance.choice(["big", "small"]), "colour": chance.choice(["red", "blue"])}
        share = 0.25 if carries is None else 0.4 if person[carries] in ("big", "red") else 0.1
        people.append(person)
        bought.append(chance.random() < share)
    days = [date(2026, 1 + row * 6 // rows, 1 + row % 28) for row in range(rows)]
    return people, yes(*bought), days


def test_a_signal_is_found_and_its_words_carry_it():
    judged = judging.judge(*made(carries="plan"))

    within = judged.report["within"]
    assert within["low"] > 0.6
    assert within["half"] > 0.65
    assert judged.report["grain"] == "month"
    # a third of the rows is learned from before the first month that is judged
    assert [period["period"] for period in judged.report["periods"]] == ["2026-03", "2026-04", "2026-05", "2026-06"]
    assert [period["trained_on"] for period in judged.report["periods"]] == [500, 750, 1000, 1250]
    plan = next(one for one in judged.weights.as_json() if one["name"] == "plan")
    assert plan["words"] == ["big", "small"]
    assert plan["weights"][1] > 0.3 > -0.3 > plan["weights"][2]
    assert len(judged.cuts) == 9


def test_noise_is_not_told_from_chance():
    within = judging.judge(*made(carries=None)).report["within"]

    assert within["low"] < 0.5 < within["high"]


def test_a_random_split_flatters_what_knows_the_month():
    chance = np.random.default_rng(2)
    people, bought, days = [], [], []
    for month, share in enumerate([0.05, 0.1, 0.2, 0.4, 0.6, 0.8], start=1):
        for row in range(300):
            people.append({"batch": f"batch {month}"})
            bought.append(chance.random() < share)
            days.append(date(2026, month, 1 + row % 28))

    report = judging.judge(people, yes(*bought), days).report

    assert report["random"]["auc"] > 0.75
    assert report["within"]["auc"] == 0.5
