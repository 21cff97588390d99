"""How long personal data stay. Every model that holds some is named here by its own app; a guard test finds those that are not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import models
from django.utils.translation import gettext_lazy as _

logger = logging.getLogger(__name__)

Apply = Callable[[datetime], int]


@dataclass(frozen=True)
class Policy:
    """What happens to one model's personal data. `apply(at)` erases what is due and returns how many rows; None: kept while needed."""

    model: str
    fields: tuple[str, ...]
    keep_for: timedelta | None
    basis: Any
    apply: Apply | None


RETENTION: dict[str, Policy] = {}


def register(
    model: str,
    *,
    fields: tuple[str, ...] | list[str],
    basis: Any,
    keep_for: timedelta | None = None,
    apply: Apply | None = None,
) -> None:
    """Name a model ("customers.Customer"), its personal fields, how long they stay and why. Called in the app's `retention.py`."""
    RETENTION[model.lower()] = Policy(model, tuple(fields), keep_for, basis, apply)


def personal_fields(model: type[models.Model]) -> set[str]:
    """Fields of a model that hold personal data: sealed ones, those marked `personal`, and the model's PERSONAL_FIELDS."""
    marked = {field.name for field in model._meta.concrete_fields if getattr(field, "personal", False)}
    return marked | set(getattr(model, "PERSONAL_FIELDS", ()))


def unnamed() -> list[str]:
    """ "app.Model.field" of personal data that no policy names. Must be empty."""
    found = []
    for model in apps.get_models():
        policy = RETENTION.get(model._meta.label_lower)
        missing = personal_fields(model) - set(policy.fields if policy else ())
        found += [f"{model._meta.label}.{field}" for field in sorted(missing)]
    return found


def apply_retention(*, at: datetime) -> dict[str, int]:
    """Apply every policy; {model: rows erased}. One that fails does not keep the others from their work, and fails the whole at the end."""
    erased, failed = {}, []
    for label, policy in RETENTION.items():
        if policy.apply is None:
            continue
        try:
            erased[label] = policy.apply(at)
        except Exception:
            logger.exception("retention of %s failed", label)
            failed.append(label)
    if failed:
        raise RuntimeError(f"retention failed for {', '.join(failed)}")
    return erased


def _destroy_files(at: datetime) -> int:
    from core.files import destroy_overdue

    return destroy_overdue(at=at)


register(
    "core.PrivateFile",
    fields=("name", "owner_name"),
    basis=_("Uploads 7 days, exports 24 hours, recordings by their rules: each file carries its own date."),
    apply=_destroy_files,
)
register(
    "core.AuditEvent",
    fields=("actor_name",),
    basis=_("The trail names who acted; it is evidence and stays."),
)
register(
    "core.Job",
    fields=("created_by_name",),
    keep_for=timedelta(days=90),
    basis=_("Finished jobs are removed after 90 days."),
)
