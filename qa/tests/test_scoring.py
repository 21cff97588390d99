"""The score of an evaluation, counted by hand; the first case is the one of docs on quality: other products say 55.8 to 79.2."""

from __future__ import annotations

from fractions import Fraction

import pytest

from qa.scoring import NO, NOT_APPLICABLE, YES, Item, Sheet, Stage, by_competency, one_change, reweighed, score, shares

SEVEN = {"opening": (10, "YYN"), "need": (20, "YNNY"), "position": (20, "YYY"), "check": (15, "YN"),
         "objections": (20, "---"), "closing": (10, "-YY"), "thanks": (5, "Y")}  # fmt: skip
READ = {"Y": YES, "N": NO, "-": NOT_APPLICABLE}


def sheet_of(stages: dict[str, tuple[int, str]], **fields) -> Sheet:
    return Sheet(
        [
            Stage(code, Fraction(weight), [Item(f"{code}{n}") for n in range(len(marks))])
            for code, (weight, marks) in stages.items()
        ],
        **fields,
    )


def answers_of(stages: dict[str, tuple[int, str]]) -> dict[str, str]:
    return {f"{code}{n}": READ[mark] for code, (_weight, marks) in stages.items() for n, mark in enumerate(marks)}


def test_seven_stages_with_one_that_does_not_apply_score_74_0():
    found = score(sheet_of(SEVEN), answers_of(SEVEN))

    # (10 x 2/3 + 20 x 1/2 + 20 x 1 + 15 x 1/2 + 10 x 1 + 5 x 1) / 80
    assert found.raw == Fraction(100) * (Fraction(20, 3) + 10 + 20 + Fraction(15, 2) + 10 + 5) / 80
    assert f"{float(found.raw):.1f}" == "74.0"
    # all but the objections, and two thirds of the closing
    assert found.coverage == Fraction(70) + Fraction(20, 3)
    assert found.outcome == "fail"


def test_a_sheet_on_which_nothing_applies_has_no_score():
    found = score(sheet_of({"a": (50, "--"), "b": (50, "-")}), {})

    assert (found.raw, found.reported, found.outcome, found.coverage) == (None, None, "", 0)


@pytest.mark.parametrize(("marks", "raw"), [("Y---", None), ("Y--Y", 100)])
def test_under_half_of_the_sheet_there_is_no_score(marks, raw):
    stages = {"a": (100, marks)}

    assert score(sheet_of(stages), answers_of(stages)).raw == raw


def test_a_fatal_answer_fails_whatever_the_rest_is_and_the_raw_score_stays():
    stages = [Stage("a", Fraction(1), [Item("greets"), Item("insults", good=NO, fails_on=YES), Item("thanks")])]
    answers = {"greets": YES, "insults": YES, "thanks": YES}

    kept = score(Sheet(stages, Fraction(50)), answers)
    zeroed = score(Sheet(stages, Fraction(50), fail_reports_zero=True), answers)

    assert (kept.outcome, kept.raw, kept.reported, kept.failed_by) == (
        "fail",
        Fraction(200, 3),
        Fraction(200, 3),
        ["insults"],
    )
    assert (zeroed.outcome, zeroed.raw, zeroed.reported) == ("fail", Fraction(200, 3), 0)


def test_who_makes_no_grave_error_earns_its_weight():
    stages = [Stage("a", Fraction(1), [Item("insults", good=NO, fails_on=YES), Item("greets")])]

    found = score(Sheet(stages, Fraction(100)), {"insults": NO, "greets": YES})

    assert (found.raw, found.outcome) == (100, "pass")


def test_a_fatal_answer_counts_also_where_too_little_applied_for_a_score():
    stages = [Stage("a", Fraction(1), [Item("insults", good=NO, fails_on=YES), Item("x"), Item("y"), Item("z")])]

    found = score(Sheet(stages), {"insults": YES})

    assert (found.raw, found.outcome, found.failed_by) == (None, "fail", ["insults"])


@pytest.mark.parametrize(("mark", "outcome"), [(75, "pass"), (76, "fail")])
def test_the_pass_mark_itself_passes(mark, outcome):
    stages = {"a": (1, "YYYN")}

    assert score(sheet_of(stages, pass_mark=Fraction(mark)), answers_of(stages)).outcome == outcome


def test_weights_of_nothing_score_nothing():
    assert score(Sheet([]), {}).raw is None
    assert score(sheet_of({"a": (0, "YY")}), answers_of({"a": (0, "YY")})).raw is None
    assert score(Sheet([Stage("a", Fraction(1), [Item("x", weight=Fraction(0))])]), {"x": YES}).raw is None


def test_competencies_gather_items_across_stages_by_their_weights():
    sheet = Sheet([
        Stage("a", Fraction(10), [Item("a1", Fraction(3), competency="voice"), Item("a2", competency="listening")]),
        Stage("b", Fraction(90), [Item("b1", Fraction(1), competency="voice"), Item("b2", competency="voice")]),
    ])  # fmt: skip

    # voice: 3 of 3 + 1 (the third does not apply)
    assert by_competency(sheet, {"a1": YES, "a2": NO, "b1": NO, "b2": NOT_APPLICABLE}) == {"voice": 75, "listening": 0}


def test_the_weight_of_what_did_not_apply_goes_to_the_others_in_proportion():
    stages = {"a": (20, "Y"), "b": (60, "Y"), "c": (20, "-")}

    assert shares(sheet_of(stages), answers_of(stages)) == [("a", 20, 25), ("b", 60, 75), ("c", 20, 0)]


def test_what_one_answer_is_worth_stands_with_the_greatest_gain_first():
    stages = {"a": (80, "YN"), "b": (20, "NY")}

    changes = one_change(sheet_of(stages), answers_of(stages))

    assert [(change.item, change.answer, change.score.raw) for change in changes] == [
        ("a1", YES, 90), ("b0", YES, 60), ("b1", NO, 40), ("a0", NO, 10),
    ]  # fmt: skip


def test_other_weights_change_the_score_and_nothing_else():
    stages = {"a": (50, "YY"), "b": (50, "NN")}
    heavier = reweighed(sheet_of(stages), {"a": Fraction(75), "b": Fraction(25)})

    assert score(heavier, answers_of(stages)).raw == 75
    assert score(heavier, answers_of(stages)).coverage == 100
