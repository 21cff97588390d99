"""The check of a list, as its job does it: read the file in a process with limits, stage its rows, judge each."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count
from django.db.models.functions import Coalesce

from core.files import path_of
from core.jobs import JobCancelled, Run
from core.models import PrivateFile
from core.sealed import key_ring
from customers import list_rules
from customers.models import ColumnMapping, LeadList, RowVerdict, StagedRow
from customers.reading.cleaning import COLUMNS, city_key
from customers.reading.faults import FileFault
from customers.reading.parent import Batch, Reader
from customers.services import canary_alerts, judging
from people.models import City, Zone

BATCH_ROWS = 10_000
COPY = f"COPY customers_stagedrow ({', '.join(COLUMNS)}) FROM STDIN"
PART_ROWS = 50_000  # judged at once, while the next are read
WAITS = (LeadList.Status.WAITING, LeadList.Status.CHECKING)


def check_list(run: Run) -> dict[str, Any]:
    """Stage and judge; the list is then checked, or failed with the fault of its file. Goes on where a dead worker ended."""
    lead_list = LeadList.objects.select_related("created_by").get(pk=run.args["lead_list"])
    if lead_list.status not in WAITS:
        return {}  # given up meanwhile, or done by a worker who died before it could say so
    try:
        again = _read(run, lead_list)
        _analyze_rows()
        with run.chunk(cursor={**run.cursor, "settled": True}, total=run.done):
            if LeadList.objects.select_for_update().get(pk=lead_list.pk).status not in WAITS:
                return {}  # given up while it was read
            checked_at = _judge(run, lead_list, upto=run.cursor["row"], again=again)["checked_at"]
            _analyze("customers_rowverdict (lead_list_id, row_no, verdict)")
            _settle(lead_list, checked_at=datetime.fromisoformat(checked_at))
            canary_alerts.note_list(lead_list, at=run.now())
    except FileFault as fault:
        _fail(run, lead_list, fault)
        return {"fault": fault.code}
    except JobCancelled:
        LeadList.objects.filter(pk=lead_list.pk, status__in=WAITS).update(status=LeadList.Status.CANCELLED)
        _forget(lead_list)
        raise
    return {"rows": run.done}


# -- staging -----------------------------------------------------------------------------------------------------------


def _read(run: Run, lead_list: LeadList) -> list[int] | None:
    """Stage every row, and judge those that are there while the next are read.

    Returns which of the rows not yet judged may repeat an earlier one; None when this was lost with a worker who died.
    """
    again: list[int] | None = None
    if not run.cursor:
        _start(run, lead_list)
        again = []
    if run.cursor.get("staged"):
        return again
    make_city = _make_city if run.args.get("make_cities") else None
    with Reader(orders_for(lead_list, skip=run.cursor["row"]), make_city=make_city) as reader:
        for batch in reader.batches(BATCH_ROWS):
            is_first = not run.cursor["row"]
            is_due = batch.last_row - _judged(run) >= PART_ROWS
            if is_due:
                _analyze_rows()
            with run.chunk(done=batch.count, total=reader.headings.get("total")) as chunk:
                _copy(batch)
                if is_first:
                    _note_columns(lead_list, reader.headings)
                chunk.cursor = {**run.cursor, "row": batch.last_row}
                again = None if again is None else again + batch.again
                if is_due:
                    chunk.cursor |= _judge(run, lead_list, upto=batch.last_row, again=again)
                    again = None if again is None else []
    with run.chunk(cursor={**run.cursor, "staged": True}):
        pass  # a worker who dies from here on need not open the file again
    return again


def _judged(run: Run) -> int:
    """The last row judged; a check that an earlier version of the program began has judged none."""
    return int(run.cursor.get("judged", 0))


@transaction.atomic
def _analyze_rows() -> None:
    """In a transaction of its own: its lock would make every other list wait until the part is judged."""
    _analyze("customers_stagedrow (lead_list_id, row_no, external_id, phone_blind, fault)")


def _start(run: Run, lead_list: LeadList) -> None:
    with run.chunk(cursor={"row": 0, "judged": 0}):
        _forget(lead_list)
        LeadList.objects.filter(pk=lead_list.pk).update(status=LeadList.Status.CHECKING)


def _judge(run: Run, lead_list: LeadList, *, upto: int, again: list[int] | None) -> dict[str, Any]:
    """Judge what was staged since the last part, within the chunk; returns how far the cursor has come.

    The list counts as checked when its first part was: what came into the pool later is looked for at the commit.
    """
    at = run.now()
    judging.judge_part(lead_list, after=_judged(run), upto=upto, again=again, at=at)
    return {"judged": upto, "checked_at": run.cursor.get("checked_at") or at.isoformat()}


def orders_for(lead_list: LeadList, *, skip: int) -> dict[str, Any]:
    """What the reading process is told. It gets no access to anything but the file and the keys."""
    stored = PrivateFile.objects.filter(pk=lead_list.file_id or 0, destroyed_at=None).first()
    if stored is None or not path_of(stored).exists():
        raise FileFault("file_gone")
    key_ring()  # made here at first use: the process may not write files
    return {
        "path": str(path_of(stored)),
        "format": lead_list.mapping["format"],
        "encoding": lead_list.mapping["encoding"],
        "delimiter": lead_list.mapping["delimiter"],
        "list_id": lead_list.pk,
        "skip": skip,
        "chosen": lead_list.mapping.get("chosen"),
        "saved": dict(ColumnMapping.objects.filter(source=lead_list.source_id).values_list("headings_key", "columns")),
        "city": lead_list.city_id,
        "cities": city_names(),
        "cities_allowed": cities_allowed(lead_list),
        "keys_dir": str(settings.KEYS_DIR),
        "country": getattr(settings, "REGION_COUNTRY", "CN"),
    }


def city_names() -> dict[str, int]:
    """Everything a file may call a city."""
    found: dict[str, int] = {}
    for pk, *names in City.objects.values_list("pk", "code", "name_zh", "name"):
        found |= {city_key(name): pk for name in names if name}
    return found


def cities_allowed(lead_list: LeadList) -> list[int] | None:
    """None: all. Who works for one city cannot bring customers into another."""
    if list_rules.works_for_region(lead_list.created_by):
        return None
    return sorted(lead_list.created_by.scope().city_ids)


def _make_city(name: str) -> int | None:
    """A city that a history brings along, in the region's time zone."""
    name = " ".join(name.split())[:80]
    if not name:
        return None
    zone, _is_new = Zone.objects.get_or_create(name=settings.TIME_ZONE)
    code = name.lower().replace(" ", "-")[:20]
    is_chinese = not name.isascii()
    city, _is_new = City.objects.get_or_create(
        name=name, defaults={"code": code, "zone": zone, "name_zh": name if is_chinese else ""}
    )
    return city.pk


def _copy(batch: Batch) -> None:
    with connection.cursor() as cursor:
        cursor.copy_expert(COPY, io.BytesIO(b"".join(batch.lines)), 1 << 18)


def _forget(lead_list: LeadList) -> None:
    RowVerdict.objects.filter(lead_list=lead_list).delete()
    StagedRow.objects.filter(lead_list=lead_list).delete()


def _analyze(what: str) -> None:
    """Without fresh figures the planner believes that there are no rows, and joins them one by one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL default_statistics_target = 10"
        )  # that there are rows and how many; a larger sample takes longer than it gains
        cursor.execute(f"ANALYZE {what}")


def _note_columns(lead_list: LeadList, headings: dict[str, Any]) -> None:
    lead_list.mapping |= {"columns": headings["columns"], "row_no": headings["row_no"], "sheet": headings["sheet"]}
    LeadList.objects.filter(pk=lead_list.pk).update(mapping=lead_list.mapping)


# -- the end -----------------------------------------------------------------------------------------------------------


def _settle(lead_list: LeadList, *, checked_at: datetime) -> None:
    LeadList.objects.filter(pk=lead_list.pk).update(
        status=LeadList.Status.CHECKED,
        counts=count_verdicts(lead_list),
        row_count=RowVerdict.objects.filter(lead_list=lead_list).count(),
        checked_at=checked_at,
    )


def count_verdicts(lead_list: LeadList) -> dict[str, int]:
    """Rows per verdict as they stand, as readers without the region are told."""
    rows = (
        RowVerdict.objects.filter(lead_list=lead_list)
        .values(said=Coalesce("told", "verdict"))
        .annotate(n=Count("row_no"))
    )
    return {row["said"]: row["n"] for row in rows.order_by("said")}


def _fail(run: Run, lead_list: LeadList, fault: FileFault) -> None:
    """The file cannot be taken: nothing of it stays staged."""
    with run.chunk(cursor={"fault": fault.code}):
        _forget(lead_list)
        LeadList.objects.filter(pk=lead_list.pk).update(
            status=LeadList.Status.FAILED, fault=fault.code, fault_detail=fault.detail, checked_at=run.now()
        )
