"""The table in Excel: what goes out comes back, and what is wrong is told by row."""

import io
from uuid import UUID

import pytest
from django.utils import translation

from scripts.flow import Flow, Question, Step
from scripts.sheets import Known, TooLongForACell, origins, read, read_rows, write


def row(line, **cells):
    return line, {"part": "Opening", "text": "Good day", **cells}


def faults(*rows, **known):
    return [(fault.row, fault.sentence) for fault in read(list(rows), Known(**known))[1]]


def steps(*rows, **known):
    found, wrong = read(list(rows), Known(**known))
    assert wrong == []
    return found


def test_a_cell_of_questions_is_read_as_it_is_written():
    found = steps(
        row(2, questions="[choice, required, ready] May I go on?\n- Yes -> 3.1\n- No → end\n- Later"),
        row(3, part="Product introduction", number="3.1", key=str(UUID(int=5))),
    )

    assert found[0]["questions"] == [
        {
            "code": "ready",
            "text": "May I go on?",
            "kind": "choice",
            "choices": ["Yes", "No", "Later"],
            "is_required": True,
            "branches": [["Yes", str(UUID(int=5))], ["No", None]],
        }
    ]


def test_chinese_heads_and_words_are_read_whatever_the_language_of_the_page():
    found = steps(row(2, part="开场白", questions="【单选，必答】方便吗？\n- 不方便 → 结束"))

    question = found[0]["questions"][0]
    assert (found[0]["part"], question["kind"], question["is_required"], question["code"]) == (
        "opening",
        "choice",
        True,
        "q1",
    )
    assert question["branches"] == [["不方便", None]]


def test_a_question_without_a_bracket_is_a_choice_when_answers_follow_and_free_text_otherwise():
    found = steps(row(2, questions="Ready?\n- Yes\nWhat matters to you?"))

    assert [(q["code"], q["kind"]) for q in found[0]["questions"]] == [("q1", "choice"), ("q2", "text")]


def test_steps_without_a_number_are_counted_within_their_part():
    found = steps(
        row(2, questions="Ready?\n- Yes -> 2.2"),
        row(3, key=str(UUID(int=7))),
    )

    assert found[0]["questions"][0]["branches"] == [["Yes", str(UUID(int=7))]]


def test_a_row_that_was_copied_with_its_key_becomes_another_step():
    key = str(UUID(int=3))
    found = steps(row(2, key=key), row(3, key=key))

    assert found[0]["key"] == key
    assert found[1]["key"] != key


def test_everything_that_is_wrong_is_told_by_row():
    assert faults(
        row(2, part="Middle"),
        row(3, text=""),
        row(4, number="9", questions="- lonely"),
        row(5, number="9"),
        row(6, questions="Ready?\n- Yes -> 7.7\n- Yes"),
        row(7, objections="too dear", articles="Prices"),
        row(8, questions="[number] How many?\n- two"),
    ) == [
        (2, "“Middle” is none of the six parts."),
        (3, "The step has no text."),
        (4, "The answer “- lonely” stands before any question."),
        (5, "Step number 9 is there twice."),
        (6, "“Yes -> 7.7” leads to no step of this table."),
        (6, "Two answers of “Ready?” read the same."),
        (7, "There is no objection “too dear”."),
        (7, "There is no article “Prices”."),
        (8, "“How many?” is answered freely and cannot have answers to choose from."),
    ]


def test_an_article_that_was_quoted_before_keeps_the_version_that_was_quoted():
    key = str(UUID(int=4))
    found = steps(
        row(2, key=key, articles="Prices"),
        row(3, articles="Prices"),
        articles={"Prices": [(8, 3)]},
        quoted={(key, "Prices"): [(8, 1)]},
    )

    assert [one["quotes"] for one in found] == [[[8, 1]], [[8, 3]]]


def test_what_is_written_comes_back_the_same():
    key, other = UUID(int=1), UUID(int=2)
    asked = Question(1, "q1", "Ready -> or not?", "several", True, ("yes -> sure", "no"), {"no": None})
    flow = Flow(
        [
            Step(1, "opening", "=1+1 {name|you}\nsecond line", "Hello", "slowly", "who we are", key, "2.1", (asked,)),
            Step(2, "ending", "Bye", key=other, number="6.1", objections=((5, "too dear"),)),
        ]
    )
    for chinese in (False, True):
        file = io.BytesIO()
        write(file, flow, title="S", chinese=chinese)
        file.seek(0)

        rows, wrong = read_rows(file)
        found = read(rows, Known(objections={"too dear": [5]}))[0]

        assert wrong == []
        assert [(one["key"], one["part"], one["text"]) for one in found] == [
            (str(key), "opening", "=1+1 {name|you}\nsecond line"),
            (str(other), "ending", "Bye"),
        ]
        assert found[0]["questions"] == [
            {
                "code": "q1",
                "text": "Ready -> or not?",
                "kind": "several",
                "choices": ["yes -> sure", "no"],
                "is_required": True,
                "branches": [["no", None]],
            }
        ]
        assert found[1]["objections"] == [5]
        assert (found[0]["title"], found[0]["hint"], found[0]["must_say"]) == ("Hello", "slowly", "who we are")


def test_a_workbook_that_unpacks_to_more_than_any_script_is_not_opened():
    import zipfile

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b" " * (31 * 1024 * 1024))
    file.seek(0)

    assert "more than a script" in read_rows(file)[1][0].sentence


def test_a_table_without_its_heads_and_a_file_that_is_no_workbook_are_refused():
    file = io.BytesIO()
    import xlsxwriter

    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet().write(0, 0, "Part")
    file.seek(0)

    assert read_rows(file)[1][0].row == 0
    assert read_rows(io.BytesIO(b"PK nothing"))[1][0].row == 0


def test_a_row_between_others_needs_no_number_and_the_others_keep_theirs():
    new = str(UUID(int=9))
    found = steps(
        row(2, number="2.1", questions="Ready?\n- Yes -> 2.2"),
        row(3, key=new),
        row(4, number="2.2", key=str(UUID(int=7)), questions="Sure?\n- No -> 2.3"),
    )

    assert [one["key"] for one in found][1:] == [new, str(UUID(int=7))]
    assert found[0]["questions"][0]["branches"] == [["Yes", str(UUID(int=7))]]
    assert found[2]["questions"][0]["branches"] == [["No", new]]


def test_a_number_that_is_written_below_is_not_given_to_a_row_above():
    assert faults(row(2), row(3, number="2.1"), row(4)) == []


def test_a_column_is_named_as_the_reader_knows_it():
    long = row(2, hint="x" * 4001)

    assert faults(long) == [(2, "“Hint” has more than 4000 characters.")]
    with translation.override("zh-hans"):
        assert "“提示”" in faults(long)[0][1]


def test_a_name_that_means_two_things_is_told_unless_the_step_has_one_of_them_already():
    key = str(UUID(int=4))
    same = {
        "objections": {"too dear": [5, 6]},
        "articles": {"Prices": [(8, 3), (9, 1)]},
        "linked": {(key, "too dear"): [6]},
        "quoted": {(key, "Prices"): [(9, 1)]},
    }

    known = steps(row(2, key=key, objections="too dear", articles="Prices"), **same)[0]

    assert (known["objections"], known["quotes"]) == ([6], [[9, 1]])
    assert faults(row(2, objections="too dear", articles="Prices"), **same) == [
        (2, "More than one objection reads “too dear”. Give them different words."),
        (2, "More than one article is called “Prices”. Give them different titles."),
    ]


def test_a_step_keeps_both_of_two_objections_that_read_the_same():
    key = str(UUID(int=4))

    found = steps(row(2, key=key, objections="too dear\ntoo dear"), linked={(key, "too dear"): [5, 6]})

    assert found[0]["objections"] == [5, 6]


def test_questions_too_long_for_a_cell_are_not_written_as_if_there_were_none():
    asked = tuple(
        Question(n, f"q{n}", "Ready?", "choice", False, tuple(f"{a}{'x' * 190}" for a in range(30))) for n in range(6)
    )
    flow = Flow([Step(1, "opening", "Good day", "Hello", key=UUID(int=1), number="2.1", questions=asked)])

    with pytest.raises(TooLongForACell, match=r"“Questions” of step 2\.1 Hello is too long"):
        write(io.BytesIO(), flow, title="S", chinese=False)


def book_of(rows):
    import xlsxwriter

    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        for number, cells in rows.items():
            sheet.write_row(number - 1, 0, cells)
    file.seek(0)
    return file


def test_a_row_too_far_down_to_be_read_is_told():
    rows, wrong = read_rows(book_of({1: ("Part", "Text"), 2: ("Opening", "Hi"), 700: ("Ending", "Bye")}))

    assert rows == []
    assert [(fault.row, fault.sentence) for fault in wrong] == [
        (700, "The table is read up to row 600; this row is further down.")
    ]


def test_a_table_says_what_it_was_taken_from_and_one_by_hand_says_nothing():
    file = io.BytesIO()
    write(file, Flow([Step(1, "opening", "Hi", key=UUID(int=1))]), title="S", chinese=True, origin="4 abc")
    file.seek(0)

    assert origins(read_rows(file)[0]) == {"4 abc"}
    assert origins(read_rows(book_of({1: ("Part", "Text"), 2: ("Opening", "Hi")}))[0]) == set()


def test_numbers_are_text_so_that_the_tenth_step_is_not_taken_for_the_first():
    from openpyxl import load_workbook

    file = io.BytesIO()
    write(file, Flow([Step(1, "opening", "Hi", key=UUID(int=1), number="2.10")]), title="S", chinese=False)
    file.seek(0)
    sheet = load_workbook(file).worksheets[0]

    assert (sheet["A2"].value, sheet["A2"].number_format) == ("2.10", "@")
    assert sheet.column_dimensions["A"].number_format == "@"
