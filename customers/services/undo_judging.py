"""What the taking back of a list would do to rows: who goes, who stays and why, which values return. Writes nothing; also tells it beforehand."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet

from customers.models import Customer, LeadList, RowVerdict, StagedRow
from customers.names import sort_key
from customers.services import judging
from customers.staying import OTHER_LIST, Brought, reasons_to_stay

Verdict = RowVerdict.Verdict
STORED = (Verdict.NEW, Verdict.UPDATE, Verdict.UNCHANGED)
PLAIN = ("name", "type", "gender", "age")
ROWS_AT_ONCE = 20_000

# the numbers that rows of this list have added, and whether they were dialled or are in somebody's hand
ADDED = """
SELECT v.row_no, p.id, EXISTS (
    SELECT FROM customers_contact t WHERE t.customer_id = p.customer_id AND t.phone_id = p.id AND t.state <> 'void')
FROM customers_rowverdict v
JOIN customers_stagedrow s ON s.lead_list_id = v.lead_list_id AND s.row_no = v.row_no
JOIN customers_phone p ON p.blind_index = s.phone_blind AND p.customer_id = v.customer_id AND p.created_at = %(committed)s
WHERE v.lead_list_id = %(list)s AND v.row_no = ANY (%(rows)s)
"""


class Stored(NamedTuple):
    """A row that the commit has stored."""

    row_no: int
    verdict: str
    reason: str
    customer_id: int
    before: dict[str, Any] | None
    told: str | None


@dataclass
class Outcome:
    """What becomes of some rows. `stays` by row number; `changed` holds customers with their former values set."""

    going: set[int] = field(default_factory=set)
    stays: dict[int, str] = field(default_factory=dict)
    changed: dict[int, Customer] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)
    numbers: list[int] = field(default_factory=list)
    used_elsewhere: set[int] = field(default_factory=set)


def stored_rows(lead_list: LeadList, *, before: int | None, most: int) -> list[Stored]:
    """The next rows that the commit has stored, from the end of the file: agents are handed those at its beginning."""
    rows = all_stored(lead_list)
    rows = rows if before is None else rows.filter(row_no__lt=before)
    return as_stored(rows.order_by("-row_no")[:most])


def all_stored(lead_list: LeadList) -> QuerySet[RowVerdict]:
    return RowVerdict.objects.filter(lead_list=lead_list, verdict__in=STORED).exclude(customer_id=None)


def as_stored(rows: QuerySet[RowVerdict]) -> list[Stored]:
    """Not as instances: of 200,000 rows, making them would take longer than taking them back."""
    return [Stored(*row) for row in rows.values_list(*Stored._fields)]


def judge_undo(lead_list: LeadList, rows: list[Stored], there: Container[int]) -> Outcome:
    """Of the rows whose customers are `there`; who takes back has locked these."""
    outcome = Outcome()
    _judge_new(lead_list, [row for row in rows if row.verdict == Verdict.NEW and row.customer_id in there], outcome)
    known = [row for row in rows if row.verdict != Verdict.NEW and row.customer_id in there]
    known = [row for row in known if row.customer_id not in outcome.going]
    ids = sorted({row.customer_id for row in known})
    outcome.used_elsewhere = Brought(lead_list, ids).pointed_to("customers_rowverdict", f"{OTHER_LIST} AND {LATER}")
    updates = [row for row in known if row.verdict == Verdict.UPDATE]
    _judge_numbers(lead_list, [row for row in updates if row.reason == "add_number"], outcome)
    _judge_values(lead_list, [row for row in updates if row.reason != "add_number"], outcome)
    return outcome


# a list that came after this one took the values for right; one that came before did not know them
LATER = "EXISTS (SELECT FROM customers_leadlist o WHERE o.id = t.lead_list_id AND o.committed_at > %(committed)s)"


def _judge_new(lead_list: LeadList, rows: list[Stored], outcome: Outcome) -> None:
    ids = [row.customer_id for row in rows]
    stays = reasons_to_stay(Brought(lead_list, ids))
    outcome.stays |= {row.row_no: stays[row.customer_id] for row in rows if row.customer_id in stays}
    outcome.going = set(ids) - set(stays)


def _judge_numbers(lead_list: LeadList, rows: list[Stored], outcome: Outcome) -> None:
    outcome.stays |= {row.row_no: "other_list" for row in rows if row.customer_id in outcome.used_elsewhere}
    rows = [row for row in rows if row.row_no not in outcome.stays]
    if not rows:
        return
    with connection.cursor() as cursor:
        values = {"list": lead_list.pk, "committed": lead_list.committed_at, "rows": [row.row_no for row in rows]}
        cursor.execute(ADDED, values)
        for row_no, phone_id, was_dialled in cursor.fetchall():
            if was_dialled:
                outcome.stays[row_no] = "dialled"
            else:
                outcome.numbers.append(phone_id)


# -- values ------------------------------------------------------------------------------------------------------------


def _judge_values(lead_list: LeadList, rows: list[Stored], outcome: Outcome) -> None:
    """Former values return where what stands there is what this list wrote. Two rows of one customer: only one of them was written."""
    if not rows:
        return
    staged = _staged(lead_list, rows)
    nowhere = set(judging.nowhere_ids())
    by_customer: dict[int, list[Stored]] = defaultdict(list)
    for row in rows:
        by_customer[row.customer_id].append(row)
    customers = Customer.objects.defer("address").in_bulk(set(by_customer) - outcome.used_elsewhere)
    for customer_id, own in by_customer.items():
        if customer_id in outcome.used_elsewhere:
            outcome.stays |= {row.row_no: "other_list" for row in own}
            continue
        if customer_id not in customers:
            continue  # only where it is foreseen, without locks: another list that is taken back has just taken the customer along
        _judge_person(customers[customer_id], own, staged, nowhere, outcome)


def _staged(lead_list: LeadList, rows: list[Stored]) -> dict[int, StagedRow]:
    found = StagedRow.objects.filter(lead_list=lead_list, row_no__in=[row.row_no for row in rows])
    wanted = ("row_no", *PLAIN, "city_id", "external_id", "attributes")
    return {row.row_no: row for row in found.only(*wanted)}


def _judge_person(
    customer: Customer, rows: list[Stored], staged: dict[int, StagedRow], nowhere: set[int], outcome: Outcome
) -> None:
    returned: set[str] = set()
    refused: dict[int, set[str]] = {}
    for row in rows:
        if row.row_no not in staged or row.before is None:
            outcome.stays[row.row_no] = "not_kept"
            continue
        written = list(_written(row, staged[row.row_no], nowhere))
        refused[row.row_no] = {name for name, wrote, old in written if not _give_back(customer, name, wrote, old)}
        returned |= {name for name, _wrote, _old in written} - refused[row.row_no]
    outcome.stays |= {row_no: "changed" for row_no, names in refused.items() if names - returned}
    if not returned:
        return
    customer.name_sort = sort_key(customer.name) if "name" in returned else customer.name_sort
    outcome.changed[customer.pk] = customer
    if "city_id" in returned:
        outcome.moved.add(customer.pk)


def _written(row: Stored, staged: StagedRow, nowhere: set[int]) -> Iterable[tuple[str, Any, Any]]:
    """(field, what the commit wrote, what stood there before), attributes one by one as "attributes.key"."""
    before = row.before or {}
    for name in PLAIN:
        if name in before:
            yield name, getattr(staged, name), before[name]
    if "city" in before and (row.reason == "moved" or before["city"] in nowhere):
        yield "city_id", staged.city_id, before["city"]
    # the source stays: a customer without one and one of this source are not told apart afterwards
    if "external_id" in before and row.reason != "keep_customer":
        yield "external_id", staged.external_id, ""
    for key, old in (before.get("attributes") or {}).items():
        yield f"attributes.{key}", staged.attributes.get(key), old


def _give_back(customer: Customer, name: str, wrote: Any, old: Any) -> bool:
    """True when the former value stands there again, or already."""
    if name.startswith("attributes."):
        return _give_attribute_back(customer, name.partition(".")[2], wrote, old)
    now = getattr(customer, name)
    if now == wrote:
        setattr(customer, name, old)
    return now in (wrote, old)


def _give_attribute_back(customer: Customer, key: str, wrote: Any, old: Any) -> bool:
    now = customer.attributes.get(key)
    if now == wrote:
        if old is None:
            customer.attributes.pop(key, None)
        else:
            customer.attributes[key] = old
    return now in (wrote, old)


# -- beforehand --------------------------------------------------------------------------------------------------------


def foresee(lead_list: LeadList) -> Counter[tuple[str, str, bool]]:
    """Rows by (verdict, why it would stay or "", told otherwise without the region), as things stand now."""
    found: Counter[tuple[str, str, bool]] = Counter()
    before = None
    while rows := stored_rows(lead_list, before=before, most=ROWS_AT_ONCE):
        before = rows[-1].row_no
        customers = Customer.objects.filter(pk__in={row.customer_id for row in rows})
        outcome = judge_undo(lead_list, rows, set(customers.values_list("pk", flat=True)))
        found.update((row.verdict, outcome.stays.get(row.row_no, ""), row.told is not None) for row in rows)
    return found
