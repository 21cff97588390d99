"""Flow and checks by hand: no database."""

from scripts.checks import Ground, Kind, check
from scripts.flow import Flow, Question, Quote, Step


def six(**changes):
    """One step in each part, numbers 1 to 6, each leading to the next; `changes` by part."""
    parts = ["first_question", "opening", "introduction", "persuasion", "closing", "ending"]
    return [Step(n, part, **{"text": f"say {part}", **changes.get(part, {})}) for n, part in enumerate(parts, 1)]


def question(branches, choices=("yes", "no"), **more):
    return Question(1, "q1", "May I go on?", choices=choices, branches=branches, **more)


def kinds(steps, **ground):
    return [
        (finding.kind, finding.step.pk if finding.step else None) for finding in check(Flow(steps), Ground(**ground))
    ]


def ways(steps, pk):
    flow = Flow(steps)
    return [(way.answer, way.to.pk if way.to else None) for way in flow.ways(flow.by_pk[pk])]


def test_a_plain_script_of_six_parts_has_no_faults():
    assert kinds(six()) == []


def test_steps_stand_in_the_order_of_the_parts_whatever_their_place():
    assert [step.pk for step in Flow([Step(1, "ending"), Step(2, "opening"), Step(3, "ending")]).steps] == [2, 1, 3]


def test_an_answer_leads_to_its_branch_and_every_other_answer_to_the_next_step():
    steps = six(opening={"questions": (question({"no": 6}),)})

    assert ways(steps, 2) == [("no", 6), ("", 3)]


def test_a_branch_without_a_target_leads_to_the_first_step_of_the_ending():
    steps = [*six(opening={"questions": (question({"no": None}),)}), Step(7, "ending", text="bye")]

    assert ways(steps, 2) == [("no", 6), ("", 3)]


def test_within_the_ending_a_branch_without_a_target_ends_the_call():
    steps = [*six(ending={"questions": (question({"no": None}),)}), Step(7, "ending", text="bye")]

    assert ways(steps, 6) == [("no", None), ("", 7)]


def test_a_required_question_whose_answers_all_branch_leaves_no_way_to_the_next_step():
    steps = six(opening={"questions": (question({"yes": 4, "no": 6}, is_required=True),)})

    assert ways(steps, 2) == [("yes", 4), ("no", 6)]


def test_a_question_that_may_stay_open_still_leads_to_the_next_step():
    steps = six(opening={"questions": (question({"yes": 4, "no": 6}),)})

    assert ways(steps, 2) == [("yes", 4), ("no", 6), ("", 3)]


def test_a_step_that_every_answer_jumps_over_is_unreachable():
    steps = six(opening={"questions": (question({"yes": 4, "no": 6}, is_required=True),)})

    assert kinds(steps) == [(Kind.UNREACHABLE, 3)]


def test_steps_that_only_lead_to_each_other_are_dead_ends():
    # 2 leads to 3 and 3 back to 2, whatever is answered: nobody gets to 4, 5 and 6
    steps = six(
        introduction={"questions": (question({"yes": 2, "no": 2}, is_required=True),)},
    )

    assert kinds(steps) == [
        (Kind.DEAD_END, 1),
        (Kind.DEAD_END, 2),
        (Kind.DEAD_END, 3),
        (Kind.UNREACHABLE, 4),
        (Kind.UNREACHABLE, 5),
        (Kind.UNREACHABLE, 6),
    ]


def test_without_an_ending_every_step_is_a_dead_end_and_the_part_is_missing():
    assert kinds(six()[4:5], part_names={"ending": "Ending"})[-2:] == [(Kind.MISSING_PART, None), (Kind.DEAD_END, 5)]


def test_each_missing_part_is_named():
    found = check(Flow(six()[:4]), Ground(part_names={"closing": "Closing", "ending": "Ending"}))

    assert [one.what for one in found if one.kind == Kind.MISSING_PART] == ["Closing", "Ending"]


def test_a_step_without_text_is_an_error():
    assert kinds(six(closing={"text": "  \n"})) == [(Kind.EMPTY_STEP, 5)]


def test_a_must_say_point_counts_as_said_in_a_text_or_as_a_point_whatever_stands_between_its_words():
    steps = six(introduction={"text": "优惠期后，每月 149 元。"}, closing={"must_say": "价格\n合约24个月"})

    assert kinds(steps, mandatory=("优惠期后每月149元", "合约 24 个月")) == []


def test_a_must_say_point_that_only_a_hint_names_is_not_said():
    found = check(Flow(six(closing={"hint": "contract of 24 months"})), Ground(mandatory=("Contract of 24 months",)))

    assert [(one.kind, one.what, one.is_error) for one in found] == [(Kind.MUST_SAY, "Contract of 24 months", True)]


def test_a_prohibited_word_is_found_in_text_points_questions_and_answers_but_not_in_hints():
    steps = six(
        opening={"text": "The CHEAPEST plan"},
        introduction={"must_say": "cheapest"},
        persuasion={"questions": (question({}, choices=("the cheapest", "another")),)},
        closing={"hint": "never say cheapest"},
    )

    assert kinds(steps, prohibited={"cheapest": ""}) == [
        (Kind.PROHIBITED, 2),
        (Kind.PROHIBITED, 3),
        (Kind.PROHIBITED, 4),
    ]


def test_a_quote_of_an_older_version_or_of_a_retired_article_is_a_warning():
    steps = six(
        opening={"quotes": (Quote(1, "Prices", 2, 2),)},
        introduction={"quotes": (Quote(2, "Terms", 1, 2),)},
        closing={"quotes": (Quote(3, "Old", 1, 1, is_retired=True),)},
    )
    found = check(Flow(steps), Ground())

    assert [(one.kind, one.what, one.is_error) for one in found] == [
        (Kind.OUT_OF_DATE, "Terms", False),
        (Kind.OUT_OF_DATE, "Old", False),
    ]


def test_a_merge_field_nobody_can_fill_is_named_once():
    steps = six(opening={"text": "{name|you} {Shoe size|} {shoe size}"})
    found = check(Flow(steps), Ground())

    assert [(one.kind, one.what) for one in found] == [(Kind.UNKNOWN_BLANK, "shoe size")]


def test_a_branch_of_an_answer_that_was_taken_away_is_a_warning_and_leads_nowhere():
    steps = six(opening={"questions": (question({"maybe": 6}),)})

    assert kinds(steps) == [(Kind.LOST_BRANCH, 2)]
    assert ways(steps, 2) == [("", 3)]


def test_errors_stand_before_warnings():
    steps = six(first_question={"text": "{x}"}, ending={"text": ""})

    assert kinds(steps) == [(Kind.EMPTY_STEP, 6), (Kind.UNKNOWN_BLANK, 1)]
