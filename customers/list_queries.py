"""What the pages and the API show of a list: rows with their verdicts, reasons with counts and examples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from customers.corrections import WAYS, spelling_key
from customers.list_rules import works_for_region
from customers.models import Customer, LeadList, RowVerdict, StagedRow
from customers.models.lists import LeadListQuerySet
from customers.staying import stay_words
from customers.wording import reason_words
from people.models import City, User

Verdict = RowVerdict.Verdict
CHIPS = {
    Verdict.NEW: ("is-new", "+"), Verdict.UPDATE: ("is-update", "↑"), Verdict.UNCHANGED: ("is-duppool", "="), Verdict.DUPLICATE: ("is-dupfile", "≡"),
    Verdict.LEFT: ("is-plain", "≠"),
    Verdict.SUPPRESSED: ("is-stop", "⊘"), Verdict.INVALID: ("is-invalid", "!"), Verdict.UNDECIDED: ("is-ask", "?"),
}  # fmt: skip
EXAMPLES = 3
STAYED = "stayed"
SPELLINGS = 100


@dataclass(frozen=True)
class Change:
    """One value that a row would change."""

    label: str
    old: str
    new: str


@dataclass(frozen=True)
class Row:
    """One row of a file as it is shown."""

    row_no: int
    verdict: str
    label: str
    mark: str
    sign: str
    reason: str
    reason_code: str
    detail: str
    external_id: str
    name: str
    phone: str
    city: str
    customer_id: int | None
    stays: str = ""
    stays_code: str = ""
    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True)
class UndoCounts:
    """What the taking back of a list does, or has done: rows. `stays` by reason, most first."""

    going: int
    restored: int
    stays: list[ReasonCount]

    @property
    def staying(self) -> int:
        return sum(one.count for one in self.stays)


@dataclass(frozen=True)
class ReasonCount:
    """How many rows got a verdict for this reason, and what was seen in some of them."""

    verdict: str
    code: str
    words: str
    count: int
    examples: str
    correctable: bool = False


def lists_of(user: User) -> LeadListQuerySet:
    """The lists this reader sees, with what `counts_for` needs."""
    visible = LeadList.objects.visible_to(user)
    return visible.with_held() if works_for_region(user) else visible


def counts_for(lead_list: LeadList, user: User) -> dict[str, int]:
    """Rows per verdict, every verdict named, as this reader is told. No query for a list that came `with_held`."""
    counts = {verdict.value: int(lead_list.counts.get(verdict.value, 0)) for verdict in Verdict}
    if works_for_region(user):
        for row in _held(lead_list):
            counts[row["told"]] -= row["n"]
            counts[row["verdict"]] += row["n"]
    return counts


def _held(lead_list: LeadList) -> list[dict[str, Any]]:
    held: list[dict[str, Any]] | None = getattr(lead_list, "held", None)
    if held is None:
        held = LeadList.objects.with_held().values_list("held", flat=True).get(pk=lead_list.pk)
    return held


def held_back(lead_list: LeadList) -> int:
    """Rows that the region's data team has still to decide."""
    return sum(row["n"] for row in _held(lead_list) if row["verdict"] == Verdict.UNDECIDED)


def verdicts_of(
    lead_list: LeadList, user: User, *, verdict: str = "", reason: str = "", search: str = ""
) -> QuerySet[RowVerdict]:
    """The verdicts that a filter leaves, in the order of the file; the verdict "stayed" asks for rows of which something stayed when the list
    was taken back, the reason being why. `search` is a row number or the start of a customer number."""
    found = RowVerdict.objects.filter(lead_list=lead_list)
    if verdict == STAYED:
        found, verdict, reason = found.stayed(works_for_region(user), reason), "", ""
    verdicts = [verdict] if verdict in Verdict.values else Verdict.values
    if verdict in Verdict.values or reason:
        found = found.said(works_for_region(user), *verdicts, reason=reason)
    if search:
        staged = StagedRow.objects.filter(lead_list=lead_list)
        staged = (
            staged.filter(row_no=int(search))
            if search.isdecimal() and len(search) < 8
            else staged.filter(external_id__startswith=search)
        )
        found = found.filter(row_no__in=staged.values("row_no"))
    return found.order_by("row_no")


def rows_of(lead_list: LeadList, verdicts: list[RowVerdict], user: User) -> list[Row]:
    """These verdicts with what the file says, and for an update old and new values. The same number of queries for any number of rows."""
    staged = {
        row.row_no: row
        for row in StagedRow.objects.filter(lead_list=lead_list, row_no__in=[v.row_no for v in verdicts]).defer(
            "cells", "phone_sealed"
        )
    }
    cities = {city.pk: city.label for city in City.objects.all()}
    seen = _visible_customers(lead_list, verdicts, user)
    is_region = works_for_region(user)
    return [_row(verdict, staged.get(verdict.row_no), cities, seen, is_region) for verdict in verdicts]


def _visible_customers(lead_list: LeadList, verdicts: list[RowVerdict], user: User) -> set[int]:
    """Customers whose old values this user may see, and who are there: a new row's is there only after the commit."""
    ids = [v.customer_id for v in verdicts if v.customer_id]
    return set(Customer.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))


def _row(verdict: RowVerdict, staged: StagedRow | None, cities: dict[int, str], seen: set[int], is_region: bool) -> Row:
    """Without the region no row names its customer: a new row whose customer never came would be known by that."""
    said, reason = verdict.said_to(is_region)
    mark, sign = CHIPS[Verdict(said)]
    is_seen = verdict.customer_id in seen
    staged = staged or StagedRow()
    return Row(
        row_no=verdict.row_no,
        verdict=said,
        label=str(Verdict(said).label),
        mark=mark,
        sign=sign,
        reason=reason_words(reason),
        reason_code=reason,
        detail=staged.fault_detail,
        external_id=staged.external_id,
        name=staged.name,
        phone=staged.phone_mask,
        city=cities.get(staged.city_id or 0, ""),
        customer_id=verdict.customer_id if is_seen and is_region else None,
        stays=stay_words(stays) if (stays := _stays(verdict, is_region)) else "",
        stays_code=stays,
        changes=_changes(verdict.before, reason, staged, cities)
        if verdict.before and _shows_changes(verdict, is_seen, is_region)
        else [],
    )


def _stays(verdict: RowVerdict, is_region: bool) -> str:
    """Of a row held back, readers without the region are told as if it had been stored and taken back."""
    return verdict.stays or "" if is_region or verdict.told is None else ""


def _shows_changes(verdict: RowVerdict, is_seen: bool, is_region: bool) -> bool:
    """Old values of a customer whom the reader may see; of a row held back, until the region decides, those the city brought itself."""
    return is_seen if is_region or verdict.told is None else verdict.reason == "region"


def _changes(before: dict[str, Any], reason: str, staged: StagedRow, cities: dict[int, str]) -> list[Change]:
    labels = {
        "name": _("Name"),
        "type": _("Type"),
        "gender": _("Gender"),
        "age": _("Age"),
        "city": _("City"),
        "external_id": _("Customer number"),
    }
    changes = []
    for name, old in before.items():
        if name == "attributes":
            changes += [Change(key, _shown(value), _shown(staged.attributes.get(key))) for key, value in old.items()]
        elif name == "city":
            if reason != "keep_customer":
                changes.append(Change(labels[name], cities.get(old, "–"), cities.get(staged.city_id or 0, "–")))
        elif name in ("type", "gender"):
            changes.append(Change(labels[name], _choice(name, old), _choice(name, getattr(staged, name))))
        elif not (name == "external_id" and reason == "keep_customer"):
            changes.append(Change(labels[name], _shown(old), _shown(getattr(staged, name))))
    return changes


def _choice(name: str, value: str) -> str:
    choices: dict[str, Any] = dict(Customer.Type.choices if name == "type" else Customer.Gender.choices)
    return str(choices.get(value, "")) or "–"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "–" if value is None or value == "" else str(value)


def reasons_of(lead_list: LeadList, user: User) -> list[ReasonCount]:
    """Why rows were left out, gravest kind first, each with examples of what stood there."""
    counted: Counter[tuple[str, str]] = Counter()
    is_region = works_for_region(user)
    left_out = RowVerdict.objects.filter(lead_list=lead_list).exclude(verdict__in=[Verdict.NEW, Verdict.UNCHANGED])
    for row in left_out.values("verdict", "reason", "told", "told_reason").annotate(n=Count("row_no")):
        n = row.pop("n")
        counted[RowVerdict(**row).said_to(is_region)] += n
    examples = _examples(lead_list)
    order = {
        verdict: place
        for place, verdict in enumerate(("undecided", "invalid", "suppressed", "duplicate", "left", "update"))
    }
    found = [
        ReasonCount(
            verdict,
            reason,
            reason_words(reason),
            n,
            examples.get(reason, ""),
            verdict == Verdict.INVALID and reason in WAYS,
        )
        for (verdict, reason), n in sorted(counted.items())
        if reason and verdict != Verdict.NEW
    ]
    return sorted(found, key=lambda one: (order.get(one.verdict, 9), -one.count))


def _examples(lead_list: LeadList) -> dict[str, str]:
    """{fault: "禅城 101, 南海区 36"}"""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT fault, fault_detail, n FROM (
                 SELECT fault, fault_detail, count(*) AS n, row_number() OVER (PARTITION BY fault ORDER BY count(*) DESC, fault_detail) AS place
                 FROM customers_stagedrow WHERE lead_list_id = %s AND fault <> '' AND fault_detail <> '' GROUP BY fault, fault_detail) x
               WHERE place <= %s ORDER BY fault, place""",
            [lead_list.pk, EXAMPLES],
        )
        found: dict[str, list[str]] = defaultdict(list)
        for fault, detail, n in cursor.fetchall():
            found[fault].append(f"{detail} {n:,}" if n > 1 else detail)
    return {fault: ", ".join(parts) for fault, parts in found.items()}


# -- taken back --------------------------------------------------------------------------------------------------------


def undo_counts(lead_list: LeadList, user: User, rows: Iterable[tuple[str, str, bool, int]]) -> UndoCounts:
    """From (verdict, why it stays, told otherwise without the region, rows), foreseen or done, what this reader is told.

    What goes is what was told to have come, less what stays: a row held back is no exception that could be counted out.
    """
    counts = counts_for(lead_list, user)
    is_region = works_for_region(user)
    stays: Counter[str] = Counter()
    left = {Verdict.NEW.value: counts["new"], Verdict.UPDATE.value: counts["update"]}
    for verdict, code, is_told, n in rows:
        if code and verdict in left and (is_region or not is_told):
            stays[code] += n
            left[verdict] -= n
    found = [ReasonCount(STAYED, code, stay_words(code), n, "") for code, n in stays.most_common()]
    return UndoCounts(left["new"], left["update"], found)


def undone_counts(lead_list: LeadList, user: User) -> UndoCounts:
    """What has stayed of a list that was taken back."""
    rows = RowVerdict.objects.filter(lead_list=lead_list).stayed(is_region=True).values_list("verdict", "stays")
    counted = rows.annotate(is_told=Q(told__isnull=False), n=Count("row_no")).order_by("verdict", "stays")
    return undo_counts(lead_list, user, counted)


@dataclass(frozen=True)
class Spelling:
    """What stood in the cell of rows with one fault, and how many say it so."""

    key: str
    seen: str
    count: int


@dataclass(frozen=True)
class Fault:
    """A fault that can be corrected for all its rows: in which field, how, and the spellings where they matter."""

    code: str
    words: str
    count: int
    column: str
    kind: str
    spellings: list[Spelling] = field(default_factory=list)


def faults_of(lead_list: LeadList) -> list[Fault]:
    """The faults that one correction can take away, most frequent first."""
    rows = StagedRow.objects.filter(lead_list=lead_list, fault__in=WAYS).order_by()
    counted = rows.values_list("fault").annotate(n=Count("row_no")).order_by("-n", "fault")
    return [
        Fault(code, reason_words(code), n, WAYS[code].field, WAYS[code].kind, spellings_of(lead_list, code))
        for code, n in counted
    ]


def spellings_of(lead_list: LeadList, fault: str) -> list[Spelling]:
    """Most frequent first; [] where rows with the fault have nothing in common but it."""
    if not WAYS[fault].by_spelling:
        return []
    rows = StagedRow.objects.filter(lead_list=lead_list, fault=fault).order_by()
    counted = rows.values_list("fault_detail").annotate(n=Count("row_no")).order_by("-n", "fault_detail")
    return [Spelling(spelling_key(seen), seen, n) for seen, n in counted[:SPELLINGS]]
