"""Which column of a calls file is which, by its heading, in Chinese or English and any order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from customers.reading.faults import FileFault
from customers.reading.headings import fold
from customers.reading.limits import COLUMNS

KNOWN: dict[str, tuple[str, ...]] = {
    "call_id": ("call_id", "通话编号", "call id", "call no", "通话id", "呼叫编号", "流水号"),
    "campaign": ("campaign", "战役", "campaign code", "项目", "活动"),
    "agent": ("agent", "话务员", "agent code", "工号", "坐席", "坐席工号"),
    "team": ("team", "班组", "team code", "组"),
    "phone": (
        "phone",
        "手机",
        "电话",
        "联系电话",
        "phone number",
        "mobile",
        "手机号",
        "手机号码",
        "电话号码",
        "号码",
        "被叫号码",
    ),
    "direction": ("direction", "方向", "呼叫方向"),
    "started_at": ("started_at", "开始时间", "start", "started", "start time", "通话时间", "呼叫时间"),
    "ended_at": ("ended_at", "结束时间", "end", "ended", "end time"),
    "result": ("result", "结果", "disposition", "通话结果"),
    "talk_seconds": ("talk_seconds", "通话秒数", "talk", "talk time", "通话时长"),
    "after_call_seconds": ("after_call_seconds", "话后处理秒数", "after call", "after-call work", "话后时长"),
    "order_id": ("order_id", "订单编号", "order", "order number", "订单号"),
    "product": ("product", "产品", "product code"),
    "amount": ("amount", "金额", "order amount"),
    "cancelled_at": ("cancelled_at", "退单时间", "cancelled", "canceled_at", "canceled"),
}
NEEDED = ("call_id", "campaign", "agent", "phone", "started_at", "result")
FIELD_OF = {fold(name): field for field, names in KNOWN.items() for name in names}


def find_headings(rows: Sequence[tuple[int, Sequence[Any]]]) -> tuple[int, dict[str, int]]:
    """(row number of the headings, column of each known field). Raises FileFault when a needed column is missing or there twice."""
    filled = [(number, cells) for number, cells in rows if any(str(cell).strip() for cell in cells)]
    if not filled:
        raise FileFault("empty_file")
    number, cells = max(filled, key=lambda row: (sum(fold(cell) in FIELD_OF for cell in row[1]), -row[0]))
    if len(cells) > COLUMNS:
        raise FileFault("too_many_columns", columns=len(cells), most=COLUMNS)
    fields: dict[str, int] = {}
    for column, cell in enumerate(cells):
        field = FIELD_OF.get(fold(cell))
        if field in fields:
            raise FileFault("two_columns", field=KNOWN[field][0])
        if field:
            fields[field] = column
    missing = [field for field in NEEDED if field not in fields]
    if missing:
        raise FileFault("columns_missing", missing=", ".join(missing))
    return number, fields
