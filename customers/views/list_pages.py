"""How a list is shown: its phase, the steps, the tally, what a filter asks for. Nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from core.models import Job
from core.templatetags.look import day, moment, thousands
from customers.list_queries import CHIPS, STAYED
from customers.models import LeadList, RowVerdict, StagedRow
from customers.reading.headings import attribute_name
from customers.services.list_receiving import KEEP_FILE
from customers.staying import stay_words
from customers.wording import file_fault_sentence, reason_words

Status = LeadList.Status
Verdict = RowVerdict.Verdict

ACCEPT_WORDS: dict[str, Any] = {
    "new_number": gettext_lazy("Add the number"),
    "second_number": gettext_lazy("Add the number"),
    "two_customers": gettext_lazy("Keep the customer"),
    "other_customer_number": gettext_lazy("Keep the customer"),
    "other_city": gettext_lazy("Move to this city"),
    "region": gettext_lazy("Judge for the region"),
}

FIELD_WORDS: dict[str, Any] = {
    "external_id": gettext_lazy("Customer number"), "name": gettext_lazy("Name"), "phone": gettext_lazy("Phone number"), "city": gettext_lazy("City"),
    "type": gettext_lazy("Type"), "gender": gettext_lazy("Gender"), "age": gettext_lazy("Age"), "attribute": gettext_lazy("Attribute"),
}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What the URL asks of the rows."""

    verdict: str
    reason: str
    search: str

    @property
    def words(self) -> str:
        """The reason asked for, as the title of the rows."""
        if self.verdict == STAYED:
            return stay_words(self.reason) if self.reason else _("Rows of which something stayed")
        return reason_words(self.reason)

    @classmethod
    def of(cls, request: HttpRequest, lead_list: LeadList, counts: dict[str, int]) -> Wanted:
        verdict = request.GET.get("verdict", _first(lead_list, counts))
        verdict = verdict if verdict in (*Verdict.values, STAYED) else ""
        return cls(verdict, request.GET.get("reason", "") if verdict else "", request.GET.get("q", "").strip()[:64])


def _first(lead_list: LeadList, counts: dict[str, int]) -> str:
    """What somebody looks at first: what needs them, then what was left out, else all."""
    if lead_list.status in LeadList.STORED:
        return ""
    return next((v for v in (Verdict.UNDECIDED, Verdict.INVALID) if counts[v]), "")


def phase_of(lead_list: LeadList, job: Job | None) -> str:
    """mapping, checking, failed, checked, committing, committed, cancelled, undoing or undone; a commit that was stopped is checked again."""
    if lead_list.status == Status.WAITING and lead_list.job_id is None:
        return "mapping"
    if lead_list.status == Status.COMMITTING and job is not None and job.state == Job.State.CANCELLED:
        return "checked"
    return {Status.WAITING: "checking"}.get(Status(lead_list.status), lead_list.status)


def steps_of(lead_list: LeadList, counts: dict[str, int], phase: str, *, current: str = "") -> list[dict[str, str]]:
    """Upload, columns, check, result, commit, assign: results of past steps, promises of coming ones."""
    own = reverse("customers:list", args=[lead_list.pk])
    at = {
        "mapping": 1,
        "checking": 2,
        "failed": 2,
        "cancelled": 2,
        "checked": 3,
        "committing": 4,
        "committed": 5,
        "undoing": 4,
        "undone": 4,
    }[phase]
    known = [column for column in lead_list.mapping.get("columns", []) if column["field"]]
    good = sum(counts[verdict] for verdict in ("new", "update", "unchanged"))
    smalls = [
        lead_list.mapping.get("file", ""),
        _("%(known)s of %(all)s columns taken")
        % {"known": len(known), "all": len(lead_list.mapping.get("columns", []))}
        if known
        else _("read from the headings"),
        ngettext("%(rows)s row", "%(rows)s rows", lead_list.row_count) % {"rows": thousands(lead_list.row_count)}
        if at > 2
        else _("a verdict for every row"),
        _("%(rows)s usable") % {"rows": thousands(good)} if at > 2 else _("decide and correct"),
        _committed_words(lead_list),
        _("choose a campaign"),
    ]
    names = [_("Upload"), _("Columns"), _("Check"), _("Result"), _("Commit"), _("Assign")]
    urls = [
        "",
        reverse("customers:list-columns", args=[lead_list.pk]) if known else "",
        "",
        own if at > 2 else "",
        "",
        "",
    ]
    if current == "columns":
        urls[3] = own
    return [
        {"name": name, "small": small, "state": _state(place, at, current), "url": url}
        for place, (name, small, url) in enumerate(zip(names, smalls, urls, strict=True))
    ]


def _committed_words(lead_list: LeadList) -> str:
    if lead_list.status == Status.UNDOING:
        return _("being taken back")
    if lead_list.status == Status.UNDONE:
        return _("taken back")
    return moment(lead_list.committed_at) if lead_list.committed_at else _("nothing stored yet")


def _state(place: int, at: int, current: str) -> str:
    if current == "columns" and place == 1:
        return "now"
    if place == at and not current:
        return "now"
    return "done" if place < at or (current and place == at) else ""


def tally_of(lead_list: LeadList, counts: dict[str, int], wanted: Wanted) -> dict[str, Any]:
    """The cells of _parts/tally.html and the parts of its bar."""
    cells = [
        {
            "label": _("All rows"),
            "n": lead_list.row_count,
            "url": _query(verdict="all"),
            "mark": "",
            "current": not wanted.verdict,
        }
    ]
    for verdict, n in counts.items():
        mark = CHIPS[Verdict(verdict)][0]
        cells.append(
            {
                "label": Verdict(verdict).label,
                "n": n,
                "url": _query(verdict=verdict),
                "mark": mark,
                "current": wanted.verdict == verdict,
            }
        )
    return {"cells": cells, "parts": [(CHIPS[Verdict(verdict)][0], n) for verdict, n in counts.items()]}


def _query(**values: str) -> str:
    return "?" + urlencode(values)


def fault_of(lead_list: LeadList) -> str:
    return file_fault_sentence(lead_list.fault, lead_list.fault_detail) if lead_list.fault else ""


def kept_until(lead_list: LeadList) -> str:
    """Until when file and staged rows are kept."""
    until: datetime = lead_list.created_at + KEEP_FILE
    return day(until)


def columns_of(lead_list: LeadList) -> list[dict[str, Any]]:
    """Each column of the file with what it is taken for and the first values seen in it."""
    rows = list(StagedRow.objects.filter(lead_list=lead_list, fault="").order_by("row_no")[:3])
    return [
        {
            "heading": column["heading"] or "–",
            "field": column["field"],
            "words": str(FIELD_WORDS.get(column["field"], _("left out"))),
            "seen": ", ".join(filter(None, (_seen(row, column) for row in rows))),
        }
        for column in lead_list.mapping.get("columns", [])
    ]


def _seen(row: StagedRow, column: dict[str, str]) -> str:
    if column["field"] == "attribute":
        return str(row.attributes.get(attribute_name(column), ""))[:40]
    if column["field"] == "phone":
        return row.phone_mask
    value = {
        "external_id": row.external_id,
        "name": row.name,
        "type": row.type,
        "gender": row.gender,
        "age": row.age,
    }.get(column["field"], "")
    return "" if value is None else str(value)[:40]
