"""Key rotation: everything that rests sealed is sealed again under the newest key, in chunks that survive faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models

from core.sealed import key_ring, reseal, sealed_fields

if TYPE_CHECKING:
    from core.jobs import Run

ROWS = 1_000


class RawBytes(models.Func):
    """The sealed bytes as they rest, past the field that would open them."""

    template = "%(expressions)s"
    output_field = models.BinaryField()


def reseal_all(run: Run) -> dict[str, Any]:
    """Go through every sealed field of every model; a row already under the current key is left alone."""
    plan = sealed_fields()
    position = run.cursor.get("field", 0)
    for index in range(position, len(plan)):
        last = run.cursor.get("id", 0) if index == position else 0
        while last is not None:
            with run.chunk() as piece:
                last, changed = _reseal_rows(*plan[index], after=last)
                piece.done = changed
                piece.cursor = {"field": index, "id": last} if last is not None else {"field": index + 1, "id": 0}
    return {"resealed": run.done, "key": key_ring().current}


def _reseal_rows(label: str, field: str, aad_field: str | None, *, after: int) -> tuple[int | None, int]:
    """One chunk: (last id, or None at the end; rows changed)."""
    model = apps.get_model(label)
    names = ["pk", "raw"] + ([aad_field] if aad_field else [])
    rows = list(
        model._base_manager.filter(pk__gt=after)
        .annotate(raw=RawBytes(models.F(field)))
        .order_by("pk")
        .select_for_update()
        .values_list(*names)[:ROWS]
    )
    current, changed = key_ring().current, 0
    for pk, raw, *aad in rows:
        if raw and bytes(raw)[0] != current:
            fresh = reseal(raw, bytes(aad[0]) if aad else None)
            changed += model._base_manager.filter(pk=pk).update(
                **{field: models.Value(fresh, output_field=models.BinaryField())}
            )
    return (rows[-1][0] if len(rows) == ROWS else None), changed
