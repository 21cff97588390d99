"""One row of cells to one line for COPY into the staged calls. What a row says by itself is judged here; what it names, in SQL."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from core.phones import BadPhone, clean_phone, mask_phone, phone_prefix
from core.sealed import BulkSealer
from customers.reading.cleaning import KEPT_CELL, NULL, RowFault, as_text, escape, hide

COLUMNS = (
    "call_import_id", "row_no", "external_id", "campaign", "agent", "team", "phone_blind", "phone_sealed", "phone_mask", "phone_prefix",
    "direction", "started_at", "result", "talk_seconds", "after_call_seconds", "order_number", "product", "amount_cents", "cancelled_at",
    "content_hash", "fault", "fault_detail", "cells",
)  # fmt: skip
DIRECTIONS = {
    "": "outbound", "outbound": "outbound", "out": "outbound", "呼出": "outbound", "外呼": "outbound",
    "inbound": "inbound", "in": "inbound", "呼入": "inbound",
}  # fmt: skip
LONGEST = {"external_id": 64, "campaign": 40, "agent": 30, "team": 30, "result": 40, "order_number": 64, "product": 40}
MOST_SECONDS = 24 * 3600
MOST_CENTS = 10**12
REMEMBERED = 200_000
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
DAY_FIRST_PARTS = re.compile(r"(\d{4})[/.年-](\d{1,2})[/.月-](\d{1,2})日?(.*)", re.DOTALL)
HOUR = re.compile(r"[ T]*(\d{1,2})(:\d.*)", re.DOTALL)
SPACES = re.compile(r"[\s\-]+")


class Number(NamedTuple):
    """A phone number as it is staged."""

    blind: str
    sealed: str
    mask: str
    prefix: str


class CallCleaner:
    """Turns the rows of one file into lines for COPY. `results` maps what a file may call a result to its code."""

    def __init__(
        self, *, import_id: int, fields: dict[str, int], zone: str, results: dict[str, str], sealer: BulkSealer
    ) -> None:
        self._import_id = import_id
        self._fields = fields
        self._width = max(fields.values()) + 1
        self._zone = ZoneInfo(zone)
        self._results = results
        self._sealer = sealer
        self._numbers: dict[Any, Number] = {}

    def line(self, row_no: int, cells: Sequence[Any]) -> str | None:
        """The line of one row, None when it is empty. Never raises for what stands in the cells."""
        if len(cells) < self._width:
            cells = [*cells, *[""] * (self._width - len(cells))]
        if not any(cell not in ("", None) for cell in cells):
            return None
        try:
            return self._good_line(row_no, cells)
        except RowFault as fault:
            return self._faulty_line(row_no, cells, fault)

    def _good_line(self, row_no: int, cells: Sequence[Any]) -> str:
        external_id = self._text(cells, "call_id", "external_id")
        if not external_id:
            raise RowFault("call_id_missing")
        named = [self._text(cells, field, field) for field in ("campaign", "agent", "team")]
        number = self._number(cells)
        direction = self._direction(cells)
        started = self._moment(cells, "started_at")
        if started is None:
            raise RowFault("time_missing")
        result = self._result(cells)
        talk, after = self._seconds(cells, "talk_seconds"), self._seconds(cells, "after_call_seconds")
        ended = self._moment(cells, "ended_at")
        if ended is not None and ended < started + timedelta(seconds=talk):
            raise RowFault("ends_before_it_begins")
        order, product = self._text(cells, "order_id", "order_number"), self._text(cells, "product", "product")
        amount, cancelled = self._cents(cells), self._moment(cells, "cancelled_at")
        if cancelled is not None and cancelled < started:
            raise RowFault("cancelled_before_sale")
        said = [
            *named,
            number.blind,
            direction,
            started.isoformat(),
            result,
            str(talk),
            str(after),
            order,
            product,
            str(amount),
        ]
        content = hashlib.sha256("\x1f".join(said).encode()).hexdigest()
        return (
            f"{self._import_id}\t{row_no}\t{escape(external_id)}\t{escape(named[0])}\t{escape(named[1])}\t{escape(named[2])}"
            f"\t\\\\x{number.blind}\t\\\\x{number.sealed}\t{number.mask}\t{number.prefix}\t{direction}\t{started.isoformat()}\t{escape(result)}"
            f"\t{talk}\t{after}\t{escape(order)}\t{escape(product)}\t{NULL if amount is None else amount}"
            f"\t{NULL if cancelled is None else cancelled.isoformat()}\t\\\\x{content}\t\t\t{NULL}\n"
        )

    def _faulty_line(self, row_no: int, cells: Sequence[Any], fault: RowFault) -> str:
        external_id, result = self._shown(cells, "call_id")[:64], self._shown(cells, "result")[:40]
        return (
            f"{self._import_id}\t{row_no}\t{escape(external_id)}\t\t\t\t{NULL}\t{NULL}\t\t\t\t{NULL}\t{escape(result)}\t0\t0\t\t\t{NULL}\t{NULL}"
            f"\t{NULL}\t{fault.code}\t{escape(fault.detail)}\t{self._kept(cells)}\n"
        )

    def _kept(self, cells: Sequence[Any]) -> str:
        """The known cells as they came, sealed; of the number only what may be shown: who sent the file has the rest."""
        kept = {field: as_text(cells[column])[:KEPT_CELL] for field, column in self._fields.items()}
        kept["phone"] = hide(kept["phone"])
        return f"\\\\x{self._sealer.seal(json.dumps(kept, ensure_ascii=False)).hex()}"

    # -- cells -----------------------------------------------------------------------------------------------------------

    def _cell(self, cells: Sequence[Any], field: str) -> Any:
        column = self._fields.get(field)
        return "" if column is None else cells[column]

    def _shown(self, cells: Sequence[Any], field: str) -> str:
        return " ".join(as_text(self._cell(cells, field)).split())

    def _text(self, cells: Sequence[Any], field: str, kept_as: str) -> str:
        cell = self._cell(cells, field)
        text = cell.strip() if type(cell) is str else as_text(cell)
        if len(text) > LONGEST[kept_as]:
            raise RowFault("too_long", text[:40])
        if not text.isprintable():
            raise RowFault("not_text")
        return text

    def _number(self, cells: Sequence[Any]) -> Number:
        raw = self._cell(cells, "phone")
        known = self._numbers.get(raw)
        if known is not None:
            return known
        try:
            clean = clean_phone(raw)
        except BadPhone as bad:
            raise RowFault(getattr(bad, "code", "") or "bad_phone", hide(as_text(raw))) from None
        blind, sealed = self._sealer.index_and_seal(clean)
        number = Number(blind.hex(), sealed.hex(), mask_phone(clean), phone_prefix(clean))
        if len(self._numbers) >= REMEMBERED:
            self._numbers.clear()
        self._numbers[raw] = number
        return number

    def _direction(self, cells: Sequence[Any]) -> str:
        text = self._shown(cells, "direction").casefold()
        if text not in DIRECTIONS:
            raise RowFault("direction_unknown", text)
        return DIRECTIONS[text]

    def _result(self, cells: Sequence[Any]) -> str:
        text = self._text(cells, "result", "result")
        folded = text.casefold()
        return self._results.get(folded) or SPACES.sub("_", folded)

    def _moment(self, cells: Sequence[Any], field: str) -> datetime | None:
        cell = self._cell(cells, field)
        if cell in ("", None):
            return None
        try:
            moment = cell if isinstance(cell, datetime) else _read_moment(as_text(cell))
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=self._zone)
            moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise RowFault("bad_time", as_text(cell)[:40]) from None
        if moment < EARLIEST:
            raise RowFault("too_early", as_text(cell)[:40])
        return moment

    def _seconds(self, cells: Sequence[Any], field: str) -> int:
        cell = self._cell(cells, field)
        if cell in ("", None):
            return 0
        try:
            value = float(cell)
        except (TypeError, ValueError):
            raise RowFault("bad_seconds", as_text(cell)[:20]) from None
        if not value.is_integer():
            raise RowFault("bad_seconds", as_text(cell)[:20])
        if value < 0:
            raise RowFault("ends_before_it_begins")
        if value > MOST_SECONDS:
            raise RowFault("too_many_seconds", as_text(cell)[:20])
        return int(value)

    def _cents(self, cells: Sequence[Any]) -> int | None:
        cell = self._cell(cells, "amount")
        if cell in ("", None):
            return None
        try:
            cents = Decimal(as_text(cell).replace(",", "")) * 100
        except InvalidOperation:
            raise RowFault("bad_amount", as_text(cell)[:20]) from None
        if not cents.is_finite() or cents != cents.to_integral_value() or abs(cents) > MOST_CENTS:
            raise RowFault("bad_amount", as_text(cell)[:20])
        if cents < 0:
            raise RowFault("negative_amount", as_text(cell)[:20])
        return int(cents)


def _read_moment(text: str) -> datetime:
    """ISO in its usual shapes, also 2008/5/6 9:03 and 2008年5月6日 9:03. Raises ValueError."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        parts = DAY_FIRST_PARTS.fullmatch(text.strip())
        if parts is None:
            raise
        year, month, day, rest = parts.groups()
        hour = HOUR.fullmatch(rest)
        clock = f" {int(hour[1]):02d}{hour[2].strip()}" if hour else rest.strip()
        return datetime.fromisoformat(f"{year}-{int(month):02d}-{int(day):02d}{clock}")
