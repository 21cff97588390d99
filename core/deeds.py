"""The audit trail in words: every app says in its own `deeds` what its actions are called, and which of its things may be named.

What is not named there, such as a customer, is told by its number alone: the trail shows no personal data.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.apps import apps
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from core.models import AuditEvent
from core.numbers import LARGEST_ID, number_or_none

_words: dict[str, str | Promise] = {}
_named: set[str] = set()
_lists: dict[str, str | Promise] = {}


def tell(words: dict[str, str | Promise], *, named: Iterable[str] = ()) -> None:
    """Actions as sentences without an actor, and the models (as "app.model") whose rows are shown by name."""
    _words.update(words)
    _named.update(named)


def title_lists(titles: dict[str, str | Promise]) -> None:
    """Lists whose files are asked for and recorded, by the name that is stored of them."""
    _lists.update(titles)


def list_title(name: str, *, otherwise: str = "") -> str:
    """What a list is called, in the reader's language."""
    return str(_lists.get(name, otherwise or name))


def deed(action: str) -> str:
    """What happened, in the reader's language; an action that nobody has put into words is shown as it is."""
    return str(_words.get(action, action))


def deeds_by_app() -> list[tuple[str, list[tuple[str, str]]]]:
    """For a choice: the apps by name, each with all of it first, then its actions in the order in which they were told."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for action, words in _words.items():
        groups.setdefault(action.partition(".")[0], []).append((action, str(words)))
    return [
        (name := str(apps.get_app_config(app).verbose_name), [(app, str(_("%(area)s: all") % {"area": name})), *found])
        for app, found in groups.items()
    ]


def kind_of(row: AuditEvent) -> str:
    """What sort of thing it was done to, in words; "" for none."""
    try:
        return capfirst(str(apps.get_model(row.subject_type)._meta.verbose_name)) if row.subject_type else ""
    except LookupError:
        return row.subject_type


def kinds_like(word: str) -> list[str]:
    """The models whose name holds a word in the reader's language, or whose label begins with it."""
    found = word.casefold()
    return [
        model._meta.label_lower
        for model in apps.get_models()
        if model._meta.label_lower.startswith(found) or found in str(model._meta.verbose_name).casefold()
    ]


def name_subjects(rows: Iterable[AuditEvent]) -> None:
    """Give every row `subject_name`: one question for each sort of thing, not one for each row."""
    by_kind: dict[str, list[AuditEvent]] = {}
    for row in rows:
        by_kind.setdefault(row.subject_type, []).append(row)
    for kind, found in by_kind.items():
        names = _names(kind, {row.subject_id for row in found}) if kind in _named else {}
        for row in found:
            row.subject_name = names.get(row.subject_id, row.subject_id)  # type: ignore[attr-defined]


def _names(kind: str, ids: set[str]) -> dict[str, str]:
    numbers = [number for text in ids if (number := number_or_none(text, LARGEST_ID)) is not None]
    return {
        str(pk): str(thing)
        for pk, thing in apps.get_model(kind)._base_manager.select_related().in_bulk(numbers).items()
    }


tell(
    {
        "core.request.refused": _("A page or action was refused"),
        "core.list.exported": _("Took a list away as a file"),
        "core.file.downloaded": _("Downloaded a stored file"),
        "core.file.destroyed": _("Destroyed a stored file"),
        "core.job.cancelled": _("Stopped work in the background"),
        "core.job.run_again": _("Ran work in the background again"),
        "core.key.added": _("Added a key for sealed data"),
        "core.calendar.day_set": _("Entered a day in the calendar"),
        "core.calendar.day_cleared": _("Took a day out of the calendar"),
        "core.calendar.year_filled": _("Took a year over from the public calendar"),
    }
)
