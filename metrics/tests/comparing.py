"""Put the product's figures beside figures counted elsewhere."""

from __future__ import annotations

from datetime import date

from metrics import queries, registry


def ours(
    since: date, until: date, grain: str, by: tuple[str, ...], names: dict[str, dict[int, str]], wanted: list[str]
) -> dict[str, dict]:
    """{"2026-03 Foshan": {figure: value}}, rates rounded as in the files they are compared with."""
    known = {found.key: found for found in registry.indicators()}
    rows = queries.figures(since=since, until=until, grain=grain, by=by).rows
    found = {}
    for row in rows:
        key = " ".join([row.period.label, *(names[group][int(part)] for group, part in zip(by, row.key, strict=True))])
        found[key] = {name: _figure(row, name, known) for name in wanted}
    return found


def _figure(row: queries.Row, name: str, known: dict[str, registry.Indicator]) -> float | int | None:
    if name not in known:
        return row.counts[name]
    value = row.value(known[name])
    return None if value is None else round(value, 4)
