"""Two versions side by side, by hand."""

from uuid import UUID

from scripts.compare import compare, marked
from scripts.flow import Flow, Question, Step


def step(key, part="opening", text="", **more):
    return Step(key, part, text=text or f"text {key}", key=UUID(int=key), **more)


def told(before, after):
    return [
        (pair.change.value, pair.is_moved, (pair.after or pair.before).pk)
        for pair in compare(Flow(before), Flow(after))
    ]


def test_what_came_went_and_changed_is_told_by_key():
    before = [step(1), step(2), step(3)]
    after = [step(1), step(3, text="other"), step(4)]

    assert told(before, after) == [
        ("same", False, 1),
        ("removed", False, 2),
        ("changed", False, 3),
        ("added", False, 4),
    ]


def test_a_step_taken_from_the_front_stands_in_front():
    assert told([step(1), step(2)], [step(2)]) == [("removed", False, 1), ("same", False, 2)]


def test_only_the_step_that_was_carried_is_moved():
    before = [step(1), step(2), step(3), step(4)]
    after = [step(4), step(1), step(2), step(3)]

    assert told(before, after) == [("same", True, 4), ("same", False, 1), ("same", False, 2), ("same", False, 3)]


def test_a_step_in_another_part_is_moved():
    assert told([step(1), step(2)], [step(1), step(2, part="closing")]) == [("same", False, 1), ("same", True, 2)]


def test_an_answer_that_leads_elsewhere_changes_the_step():
    def with_branch(target):
        return [
            step(1, questions=(Question(9, "q1", "Go on?", choices=("no",), branches={"no": target}),)),
            step(2),
            step(3),
        ]

    assert [one[0] for one in told(with_branch(2), with_branch(3))] == ["changed", "same", "same"]


def test_changed_words_are_marked_and_the_rest_is_not():
    before, after = marked("每月 149 元", "每月 129 元，免费")

    assert [(run.text, run.is_changed) for run in before] == [("每月 ", False), ("149", True), (" 元", False)]
    assert [(run.text, run.is_changed) for run in after] == [
        ("每月 ", False),
        ("129", True),
        (" 元", False),
        ("，免费", True),
    ]
