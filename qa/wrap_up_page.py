"""A wrap-up as tables with words in the reader's language: the same for the page, the document and the workbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from campaigns.models import Campaign, Experiment, ExperimentArm, Gate
from core.templatetags.look import day, fixed, moment, thousands
from metrics import registry
from metrics.export import unit_label
from metrics.indicators import MATURE_DAYS
from metrics.trial_page import verdict_words
from qa import limits
from qa.models import FullRunSheet, WrapUp
from qa.models.forms import in_language
from qa.wrap_up_content import COUNTS, FIRST_HOURS, RATES
from scripts.models import GuidanceCard, ScriptStep

SHOWN_COUNTS = COUNTS[:7]


@dataclass(frozen=True)
class Cell:
    """A text, or a number with its decimal places. `shown` is how pages write it."""

    value: str | float | None
    places: int = 0

    @property
    def is_number(self) -> bool:
        return isinstance(self.value, int | float)

    @property
    def shown(self) -> str:
        if self.value is None or self.value == "":
            return "–"
        if isinstance(self.value, str):
            return self.value
        return fixed(self.value, self.places) if self.places else thousands(self.value)


@dataclass(frozen=True)
class Section:
    """One table. `code` names it for the workbook; `empty` is said when it has no rows; `note` stands above it."""

    code: str
    title: str
    heads: list[str]
    rows: list[list[Cell]]
    empty: str = ""
    note: str = ""
    numbers: frozenset[int] = field(default_factory=frozenset)

    @property
    def columns(self) -> list[tuple[str, bool]]:
        return [(head, index in self.numbers) for index, head in enumerate(self.heads)]

    @property
    def lines(self) -> list[list[tuple[Cell, bool]]]:
        """A cell without a figure stands where the figures of its column stand."""
        return [[(cell, index in self.numbers) for index, cell in enumerate(cells)] for cells in self.rows]


def sections(row: WrapUp) -> list[Section]:
    said: Mapping[str, Any] = row.content
    return [
        _plan(said), _rates(said), _places(said, "city"), _places(said, "team"), _complaints(said), _errors(said), _phrases(said),
        _map(said), _gates(said), _first_hours(said), _experiments(said),
    ]  # fmt: skip


def _section(code: str, title: str, heads: list[str], rows: list[list[Cell]], **more: str) -> Section:
    numbers = frozenset(i for i in range(len(heads)) if any(cells[i].is_number for cells in rows))
    return Section(code, title, heads, rows, numbers=numbers, **more)


def _texts(*values: Any) -> list[Cell]:
    return [Cell(str(value)) for value in values]


def _in_language(pair: list[str]) -> str:
    return in_language(pair[0], pair[1])


def _plan(said: Mapping[str, Any]) -> Section:
    plan = said["campaign"]
    since, until = date.fromisoformat(said["since"]), date.fromisoformat(said["until"])
    rows = [
        _texts(_("Campaign"), f"{plan['name']} ({plan['code']})"),
        _texts(_("City"), _in_language(plan["city"]) if plan["city"] else _("Whole region")),
        _texts(_("Product"), ", ".join(filter(None, (plan["product"], plan["offer"])))),
        _texts(_("Script"), plan["script"]),
        _texts(_("Type"), f"{Campaign.Type(plan['type']).label}, {Campaign.Purpose(plan['purpose']).label}"),
        _texts(_("Time"), f"{day(since)} – {day(until)}"),
        _texts(_("Customers to be won"), Cell(plan["target_customers"]).shown),
        _texts(_("Expected success rate, percent"), Cell(plan["target_success_percent"], 2).shown),
        _texts(_("Figures counted"), _moment(said["counted_at"])),
    ]
    return _section("plan", _("Plan"), [_("What"), _("As it was")], rows)


def _moment(iso: str) -> str:
    return moment(datetime.fromisoformat(iso)) if iso else ""


def rates_of(said: Mapping[str, Any]) -> list[registry.Indicator]:
    known = (registry.indicator(key) for key in RATES if key in said["definitions"])
    return [found for found in known if found is not None]


def _rates(said: Mapping[str, Any]) -> Section:
    total = said["figures"][0]
    rows = [[Cell(str(registry.measures()[name].label)), Cell(number), *_texts("", "", "", "")]
            for name, number in ((name, total["counts"][name]) for name in COUNTS) if not name.endswith("_cents")]  # fmt: skip
    for found in rates_of(said):
        rate = total["rates"][found.key]
        interval = f"{fixed(rate['low'], found.places)} – {fixed(rate['high'], found.places)}" if "low" in rate else ""
        parts = f"{thousands(rate['above'])} / {thousands(rate['below'])}" if "above" in rate else ""
        label = f"{found.label}, {unit_label(found.unit)}" if found.unit == registry.PERCENT else str(found.label)
        rows.append([Cell(label), Cell(rate["value"], found.places), *_texts(parts, interval, said["definitions"][found.key], _remark(said, found, rate))])  # fmt: skip
    heads = [_("Figure"), _("Whole campaign"), _("Out of"), _("Interval, 95 percent"), _("Version"), _("Remark")]
    return _section("figures", _("Frozen figures"), heads, rows, note=_ripe(said))


def _remark(said: Mapping[str, Any], found: registry.Indicator, rate: Mapping[str, Any]) -> str:
    told = [_("not mature")] if found.key in said["young"] else []
    return ", ".join([*told, *([_("few cases")] if rate["small"] else [])])


def _ripe(said: Mapping[str, Any]) -> str:
    if not said["young"]:
        return ""
    until = date.fromisoformat(said["until"]) + timedelta(days=MATURE_DAYS)
    return _("Cancellations were still to come when this was counted: they come in until %(day)s.") % {
        "day": day(until)
    }


def _places(said: Mapping[str, Any], level: str) -> Section:
    """Cities or teams, each counted at its own level, so they need not add up to the whole."""
    rates = rates_of(said)
    rows = [
        [
            Cell(_in_language(line["names"])),
            *(Cell(line["counts"][name]) for name in SHOWN_COUNTS),
            *(Cell(line["rates"][found.key]["value"], found.places) for found in rates),
        ]
        for line in said["figures"]
        if line["level"] == level
    ]
    counted = [str(registry.measures()[name].label) for name in SHOWN_COUNTS]
    heads = [_("City") if level == "city" else _("Team"), *counted, *(rate_head(found) for found in rates)]
    title = _("By city") if level == "city" else _("By team")
    return _section(level, title, heads, rows, empty=_("No calls were counted in these days."))


def rate_head(found: registry.Indicator) -> str:
    return f"{found.label}, %" if found.unit == registry.PERCENT else str(found.label)


def _complaints(said: Mapping[str, Any]) -> Section:
    rows = [[Cell(_(row["category"])), Cell(row["n"]), Cell(row["serious"])] for row in said["complaints"]]
    heads = [_("Category"), _("Complaints"), _("Of them serious")]
    return _section("complaints", _("Complaints by category"), heads, rows, empty=_("No complaint was taken."))


def _errors(said: Mapping[str, Any]) -> Section:
    rows = [
        [
            *_texts(_in_language(row["texts"]), _in_language(row["stages"]), f"{_in_language(row['forms'])} {row['version']}"),
            Cell(row["bad"], places=0 if isinstance(row["bad"], int) else 1), Cell(row["n"]), Cell(100 * row["bad"] / row["n"], 1),
        ]
        for row in said["errors"]
    ]  # fmt: skip
    heads = [_("What was wanting"), _("Stage"), _("Form"), _("Times"), _("Of answers"), _("Percent")]
    note = _("Calls drawn at random and scored: %(n)s.") % {"n": thousands(said["scored"])}
    empty = _("No call drawn at random was scored, or nothing was wanting.")
    return _section("errors", _("Common errors"), heads, rows, empty=empty, note=note if rows else "")


def _phrases(said: Mapping[str, Any]) -> Section:
    parts = dict(ScriptStep.Part.choices)
    rows = [[*_texts(row["text"], parts.get(row["part"], "")), Cell(row["votes"])] for row in said["phrases"]]
    heads = [_("Phrase"), _("Part"), _("Votes")]
    return _section("phrases", _("Best phrases in use"), heads, rows, empty=_("No phrase is in use for the product."))


def _map(said: Mapping[str, Any]) -> Section:
    cards = said["map"]["cards"] if said["map"] else []
    rows = [
        _texts(quadrant.label, card["text"], card["note"])
        for quadrant in GuidanceCard.Quadrant
        for card in cards
        if card["quadrant"] == quadrant
    ]
    heads = [_("Quadrant"), _("Card"), _("Note")]
    return _section("map", _("Guidance map"), heads, rows, empty=_("The campaign had no guidance map."))


def _gates(said: Mapping[str, Any]) -> Section:
    rows = [
        _texts(Campaign.Stage(row["stage"]).label, Gate.Status(row["status"]).label, row["decided_by"], row["second_by"],
               _moment(row["decided_at"]), row["reason"])
        for row in said["gates"]
    ]  # fmt: skip
    heads = [_("Gate before"), _("Decision"), _("Decided by"), _("Second person"), _("Decided"), _("Reason")]
    return _section("gates", _("Gates"), heads, rows, empty=_("The campaign had no gates."))


def _first_hours(said: Mapping[str, Any]) -> Section:
    """Reports that were finished before the first hours stood in them have none."""
    rows = [
        [
            Cell(_("Hour %(hour)s") % {"hour": row["hour"]}), *_texts(_moment(row["until"])),
            *(Cell(row["counts"][name]) for name in FIRST_HOURS),
            *_texts("; ".join(_judged(line) for line in row["judged"]), _verdict(row["by_limits"]), _verdict(row["decision"]),
                    row["decided_by"], row["reason"]),
        ]
        for row in said.get("first_hours", [])
    ]  # fmt: skip
    heads = [
        _("Hour of work"), _("Calls until"), *(counted_label(name) for name in FIRST_HOURS), _("Against its limits"), _("The limits say"),
        _("Decision"), _("Decided by"), _("Reason"),
    ]  # fmt: skip
    empty = _("The first hours of its full run were not monitored.")
    return _section("first_hours", _("First hours of the full run"), heads, rows, empty=empty)


def counted_label(name: str) -> str:
    own = {"calls_scored": _("Calls scored"), "calls_passed": _("Scored calls that pass")}
    return str(own.get(name) or registry.measures()[name].label)


def _judged(line: Mapping[str, Any]) -> str:
    told = limits.in_words(line)
    share = f"{fixed(told['percent'], 1)} %" if told["percent"] is not None else "–"
    return f"{told['label']} {share} ({'≥' if told['is_least'] else '≤'} {fixed(told['limit'], 1)} %)"


def _verdict(value: str) -> str:
    return str(FullRunSheet.Verdict(value).label) if value else _("not decided")


def _experiments(said: Mapping[str, Any]) -> Section:
    rows = [line for row in said["experiments"] for line in _arms(row)]
    heads = [_("Experiment"), _("State"), _("Arm"), _("Persons"), _("Judged by"), _("Percent"), _("What came out")]
    return _section("experiments", _("Experiments"), heads, rows, empty=_("No experiment was made."))


def _arms(row: Mapping[str, Any]) -> list[list[Cell]]:
    first = ExperimentArm(number=1)
    found = []
    for arm in row["arms"]:
        made = ExperimentArm(number=arm["number"])
        told = [verdict_words(arm["said"], made, first)]
        if arm["number"] == row["adopted"]:
            told += [_("Adopted."), row["reason"]]
        found.append([
            *_texts(row["name"], Experiment.State(row["state"]).label, f"{made.letter} · {arm['thing']}"), Cell(arm["persons"]),
            *_texts(Experiment.Indicator(row["indicator"]).label), Cell(arm["percent"], 2), *_texts(" ".join(filter(None, told))),
        ])  # fmt: skip
    return found
