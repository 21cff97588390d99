"""A script as a table, one row a step, as teams write it in Excel. Pure but for the reading of the file itself.

The words of the table (heads, parts, kinds of questions) are those of the file, not of the page: both languages are read whatever the
reader's own, so that a table may travel. A cell of questions reads like text:

    [choice, required, q1] May I go on?
    - Yes -> 3.1
    - No -> end
    - Later

An answer without an arrow goes on to the next step.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count, islice
from typing import IO, Any
from uuid import UUID, uuid4

from django.utils.translation import get_language, gettext as _

from core.errors import DomainError
from core.workbooks import DANGEROUS, Column, Workbook, inert
from scripts.contents import Content
from scripts.flow import PARTS, WITH_CHOICES, Flow, Question, Step, lines

ROWS, QUESTIONS, ANSWERS, HEAD_ROWS, COLUMNS = 200, 20, 30, 10, 40
LOOKED_AT = 100_000  # rows of the sheet in which something may still stand that is not read
TOO_LONG = -2  # what XlsxWriter answers instead of writing
UNPACKED_BYTES = 30 * 1024 * 1024
LENGTHS = {"title": 120, "text": 4000, "hint": 4000, "must_say": 4000}

# English, Chinese, width of the column
HEADS: dict[str, tuple[str, str, float]] = {
    "number": ("No.", "序号", 7),
    "part": ("Part", "环节", 16),
    "title": ("Title", "标题", 18),
    "text": ("Text", "话术", 60),
    "hint": ("Hint", "提示", 28),
    "must_say": ("Must say", "必说要点", 28),
    "questions": ("Questions", "提问与分支", 44),
    "objections": ("Objections", "异议", 24),
    "articles": ("Articles", "知识", 24),
    "origin": ("Taken from", "导出自", 10),
    "key": ("Key", "标识", 10),
}
HIDDEN = ("origin", "key")
PART_WORDS = {
    "first_question": ("First question", "首问语"),
    "opening": ("Opening", "开场白"),
    "introduction": ("Product introduction", "产品介绍"),
    "persuasion": ("Persuasion", "建议说服"),
    "closing": ("Closing", "总结成交"),
    "ending": ("Ending", "结束语"),
}
KIND_WORDS = {
    "choice": ("choice", "单选"),
    "several": ("several", "多选"),
    "number": ("number", "数字"),
    "date": ("date", "日期"),
    "text": ("text", "文字"),
}
REQUIRED, END, NEXT = ("required", "必答", "必填"), ("end", "结束"), ("next", "下一步")
NEEDED = ("part", "text")

ARROW = re.compile(r"\s*(?:→|->|=>)\s*")
BRACKET = re.compile(r"^[\[【]([^\]】]*)[\]】]\s*(.*)$")
BULLET = re.compile(r"^[-–—•·]\s*")
CODE = re.compile(r"^[-a-zA-Z0-9_]{1,40}$")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Fault:
    """What is wrong in a row of the file, as a sentence; row 0 is the file itself."""

    row: int
    sentence: str


@dataclass(frozen=True)
class Known:
    """What the words of a table mean: texts to numbers of objections, titles to (number, version) of articles; more than one is unclear.

    `linked` and `quoted` say the same of single steps, by (key, words), as they have it already: that comes first.
    """

    objections: Mapping[str, Sequence[int]] = field(default_factory=dict)
    articles: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    linked: Mapping[tuple[str, str], Sequence[int]] = field(default_factory=dict)
    quoted: Mapping[tuple[str, str], Sequence[tuple[int, int]]] = field(default_factory=dict)


class TooLongForACell(DomainError):
    """A cell of Excel holds 32,767 characters; a table that lacks some would delete them when it is read back."""


# ---------------------------------------------------------------- out


def write(target: IO[bytes], flow: Flow, *, title: str, chinese: bool, origin: str = "") -> None:
    """One sheet; the key of each step stands in a hidden column, so that what comes back is known again, and beside it what the
    table was taken from. Raises TooLongForACell.
    """
    place = int(chinese)
    columns = [Column(head[place], head[2]) for head in HEADS.values()]
    with Workbook(target, constant_memory=False) as book:
        sheet = book.sheet(title, columns, [])
        wrap = book.format(text_wrap=True, valign="top", num_format="@")
        sheet.set_column(0, 0, HEADS["number"][2], wrap)  # as text: Excel makes 2.1 of the number 2.10
        for number, step in enumerate(flow.steps, start=1):
            for column, (name, text) in enumerate(zip(HEADS, _row(flow, step, place, origin), strict=True)):
                if text and sheet.write_string(number, column, inert(text), wrap) == TOO_LONG:
                    raise TooLongForACell(
                        _(
                            "“%(head)s” of step %(step)s is too long for a cell of Excel. Make two steps of it, then export."
                        )
                        % {"head": head_of(name), "step": step.label}
                    )
        for name in HIDDEN:
            sheet.set_column(list(HEADS).index(name), list(HEADS).index(name), 10, None, {"hidden": True})


def _row(flow: Flow, step: Step, place: int, origin: str) -> list[str]:
    return [
        step.number,
        PART_WORDS[step.part][place],
        step.title,
        step.text,
        step.hint,
        step.must_say,
        "\n".join(line for question in step.questions for line in _question_lines(flow, question, place)),
        "\n".join(text for _pk, text in step.objections),
        "\n".join(quote.title for quote in step.quotes),
        origin,
        str(step.key or ""),
    ]


def _question_lines(flow: Flow, question: Question, place: int) -> Iterator[str]:
    words = [KIND_WORDS[question.kind][place], *([REQUIRED[place]] if question.is_required else []), question.code]
    yield f"[{', '.join(words)}] {' '.join(question.text.split())}"
    for choice in question.choices:
        yield f"- {choice}{_leads(flow, question, choice, place)}"


def _leads(flow: Flow, question: Question, choice: str, place: int) -> str:
    if choice in question.branches:
        target = flow.by_pk.get(question.branches[choice] or 0)
        return f" → {target.number if target else END[place]}"
    return f" → {NEXT[place]}" if ARROW.search(choice) else ""


def is_chinese() -> bool:
    """Whether the reader reads Chinese: then so do the heads of the table."""
    return (get_language() or "").startswith("zh")


def head_of(name: str) -> str:
    """How the reader knows a column."""
    return HEADS[name][int(is_chinese())]


# ---------------------------------------------------------------- in


def read_rows(file: IO[bytes]) -> tuple[list[tuple[int, dict[str, str]]], list[Fault]]:
    """(row number, cells by their head) of the first sheet. The file has been examined before."""
    from openpyxl import load_workbook

    if not _is_small(file):
        return [], [Fault(0, _("The workbook holds more than a script. Copy the table alone into a new one."))]
    try:
        book = load_workbook(file, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        lines_of_sheet = enumerate(sheet.iter_rows(max_row=LOOKED_AT, max_col=COLUMNS, values_only=True), start=1)
        rows = [(number, [_text(value) for value in cells]) for number, cells in islice(lines_of_sheet, ROWS * 3)]
        more = next((number for number, cells in lines_of_sheet if any(map(_text, cells))), 0)
        book.close()
    except Exception:  # whatever a broken workbook makes the reader do: it is the file's fault
        return [], [Fault(0, _("This workbook cannot be read. Save it anew in Excel and try again."))]
    if more:
        return [], [
            Fault(more, _("The table is read up to row %(most)s; this row is further down.") % {"most": ROWS * 3})
        ]
    return _under_heads(rows)


def origins(rows: Sequence[tuple[int, dict[str, str]]]) -> set[str]:
    """What the rows were taken from; empty for a table that was written by hand."""
    return {cells["origin"] for _row, cells in rows if cells.get("origin")}


def named(rows: Sequence[tuple[int, dict[str, str]]], name: str) -> set[str]:
    """All that stands in the lines of one column."""
    return {line for _row, cells in rows for line in lines(cells.get(name, ""))}


def _is_small(file: IO[bytes]) -> bool:
    """No reader takes more of a part than its entry promises, so the promises bound the memory; what is no workbook is told later."""
    try:
        with zipfile.ZipFile(file) as archive:
            return sum(part.file_size for part in archive.infolist()) <= UNPACKED_BYTES
    except zipfile.BadZipFile:
        return True
    finally:
        file.seek(0)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    text = CONTROL.sub("", str(value).replace("\r\n", "\n").replace("\r", "\n").replace("_x000D_", "")).strip()
    return text[1:] if text[:1] == "'" and text[1:2] in DANGEROUS else text


def _under_heads(rows: Sequence[tuple[int, list[str]]]) -> tuple[list[tuple[int, dict[str, str]]], list[Fault]]:
    by_word = {word.casefold(): name for name, (english, chinese, _w) in HEADS.items() for word in (english, chinese)}
    for number, cells in rows[:HEAD_ROWS]:
        heads = {column: by_word[cell.casefold()] for column, cell in enumerate(cells) if cell.casefold() in by_word}
        if set(NEEDED) <= set(heads.values()):
            below = [
                (no, {name: line[column] for column, name in heads.items() if column < len(line)}) for no, line in rows
            ]
            return [(no, line) for no, line in below if no > number and any(line.values())], []
    return [], [Fault(0, _("No row has the heads “Part” and “Text”. Export a version and write into that table."))]


def read(rows: Sequence[tuple[int, dict[str, str]]], known: Known) -> tuple[list[Content], list[Fault]]:
    """Contents of steps, or what is wrong by row. Pure."""
    if not rows:
        return [], [Fault(0, _("The table has no rows below its heads."))]
    if len(rows) > ROWS:
        return [], [Fault(0, _("A script has at most %(most)s steps.") % {"most": ROWS})]
    return _Reading(rows, known).run()


class _Reading:
    def __init__(self, rows: Sequence[tuple[int, dict[str, str]]], known: Known) -> None:
        self.rows, self.known = rows, known
        self.faults: list[Fault] = []
        self.keys: dict[str, str] = {}  # number of a step in the table to its key

    def run(self) -> tuple[list[Content], list[Fault]]:
        heads = [self._head(row, cells) for row, cells in self.rows]
        self._number(heads)
        found = [self._step(row, cells, head) for (row, cells), head in zip(self.rows, heads, strict=True)]
        return ([] if self.faults else found), sorted(self.faults, key=lambda fault: fault.row)

    def _fault(self, row: int, sentence: str, **words: Any) -> None:
        self.faults.append(Fault(row, sentence % words if words else sentence))

    def _head(self, row: int, cells: dict[str, str]) -> dict[str, str]:
        word = cells.get("part", "").casefold()
        part = next((part for part, words in PART_WORDS.items() if word in (part, *(w.casefold() for w in words))), "")
        if not part:
            self._fault(row, _("“%(word)s” is none of the six parts."), word=cells.get("part", ""))
        return {"part": part or PARTS[0], "number": cells.get("number", ""), "key": _key(cells.get("key", ""))}

    def _number(self, heads: list[dict[str, str]]) -> None:
        """What is written stands; a row between others that has no number gets one that none of them has."""
        keys: set[str] = set()
        for (row, _cells), head in zip(self.rows, heads, strict=True):
            if head["key"] in keys:  # a row that was copied with all its columns is another step
                head["key"] = str(uuid4())
            keys.add(head["key"])
            if head["number"] in self.keys:
                self._fault(row, _("Step number %(number)s is there twice."), number=head["number"])
            if head["number"]:
                self.keys[head["number"]] = head["key"]
        counted: Counter[str] = Counter()
        for head in heads:
            counted[head["part"]] += 1
            if not head["number"]:
                self.keys[self._free(head["part"], counted[head["part"]])] = head["key"]

    def _free(self, part: str, place: int) -> str:
        """ "2.3" for the third of the second part, or the next one that is free."""
        numbers = (f"{PARTS.index(part) + 1}.{n}" for n in count(place))
        return next(number for number in numbers if number not in self.keys)

    def _step(self, row: int, cells: dict[str, str], head: dict[str, str]) -> Content:
        texts = {name: cells.get(name, "") for name in LENGTHS}
        if not texts["text"]:
            self._fault(row, _("The step has no text."))
        for name, most in LENGTHS.items():
            if len(texts[name]) > most:
                self._fault(row, _("“%(head)s” has more than %(most)s characters."), head=head_of(name), most=most)
        texts["title"] = " ".join(texts["title"].split())
        return {
            "key": head["key"],
            "part": head["part"],
            **texts,
            "questions": self._questions(row, cells.get("questions", "")),
            "objections": self._objections(row, cells.get("objections", ""), head["key"]),
            "quotes": self._quotes(row, cells.get("articles", ""), head["key"]),
        }

    def _objections(self, row: int, text: str, key: str) -> list[int]:
        found: list[int] = []
        for line in dict.fromkeys(lines(text)):
            had = self.known.linked.get((key, line), ())
            same = self.known.objections.get(line, ())
            if not had and not same:
                self._fault(row, _("There is no objection “%(text)s”."), text=line)
            elif not had and len(same) > 1:
                self._fault(row, _("More than one objection reads “%(text)s”. Give them different words."), text=line)
            found += had or same
        return list(dict.fromkeys(found))

    def _quotes(self, row: int, text: str, key: str) -> list[list[int]]:
        found: list[list[int]] = []
        for line in dict.fromkeys(lines(text)):
            had = self.known.quoted.get((key, line), ())
            same = self.known.articles.get(line, ())
            if not had and not same:
                self._fault(row, _("There is no article “%(title)s”."), title=line)
            elif not had and len(same) > 1:
                self._fault(
                    row, _("More than one article is called “%(title)s”. Give them different titles."), title=line
                )
            found += [[article, number] for article, number in had or same]
        return found

    def _questions(self, row: int, text: str) -> list[Content]:
        found: list[Content] = []
        for line in lines(text):
            if not BULLET.match(line):
                found.append(self._question(row, line, {question["code"] for question in found}))
            elif found:
                self._answer(row, BULLET.sub("", line), found[-1])
            else:
                self._fault(row, _("The answer “%(text)s” stands before any question."), text=line)
        if len(found) > QUESTIONS:
            self._fault(row, _("A step has at most %(most)s questions."), most=QUESTIONS)
        for question in found:
            self._check_question(row, question)
        return found

    def _question(self, row: int, line: str, taken: set[str]) -> Content:
        found = BRACKET.match(line)
        words = [word.strip() for word in re.split(r"[,，、]", found[1])] if found else []
        text = found[2] if found else line
        kind = next((kind for kind, names in KIND_WORDS.items() if any(word.casefold() in names for word in words)), "")
        rest = [word for word in words if word and not _is_word(word)]
        code = rest[0] if rest else next(f"q{n}" for n in range(1, 999) if f"q{n}" not in taken)
        if rest[1:] or not CODE.match(code):
            self._fault(
                row,
                _("“%(text)s” is not understood. Write for example [choice, required] before the question."),
                text=line,
            )
        if code in taken:
            self._fault(row, _("The code %(code)s stands on two questions."), code=code)
        if not text or len(text) > 300:
            self._fault(row, _("A question has words, at most %(most)s characters."), most=300)
        required = any(word.casefold() in REQUIRED for word in words)
        return {"code": code, "text": text, "kind": kind, "choices": [], "is_required": required, "branches": []}

    def _answer(self, row: int, line: str, question: Content) -> None:
        *before, last = ARROW.split(line)
        target: str | None = ""
        if before:
            word = last.casefold()
            if word in END:
                target = None
            elif word not in NEXT:
                target = self.keys.get(last, "")
                if not target:
                    self._fault(row, _("“%(text)s” leads to no step of this table."), text=line)
            cut = list(ARROW.finditer(line))[-1]
            line = line[: cut.start()].strip()
        if not line or len(line) > 200:
            self._fault(row, _("An answer has words, at most %(most)s characters."), most=200)
        question["choices"].append(line)
        if target != "":
            question["branches"].append([line, target])

    def _check_question(self, row: int, question: Content) -> None:
        answers = question["choices"]
        question["kind"] = question["kind"] or ("choice" if answers else "text")
        if len(set(answers)) < len(answers):
            self._fault(row, _("Two answers of “%(text)s” read the same."), text=question["text"])
        if len(answers) > ANSWERS:
            self._fault(row, _("A question has at most %(most)s answers."), most=ANSWERS)
        if answers and question["kind"] not in WITH_CHOICES:
            self._fault(
                row, _("“%(text)s” is answered freely and cannot have answers to choose from."), text=question["text"]
            )


def _key(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return str(uuid4())


def _is_word(word: str) -> bool:
    words: Iterable[str] = (*REQUIRED, *(name for names in KIND_WORDS.values() for name in names))
    return word.casefold() in words
