"""The door that lists with personal data have before their files: `Listing(..., door=two_persons)`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from core.clock import database_now
from core.listing import Listing, NotExported
from people.models import ExportRequest
from people.services import exports

SALT = "people.exports"
LONGEST_QUERY = ExportRequest._meta.get_field("query").max_length

# note(rows, list_name=, title=, row_count=, request_id=, by=, at=): what the audit row of a file that leaves says besides
Note = Callable[..., dict[str, Any]]
_notes: list[Note] = []


def when_leaving(note: Note) -> None:
    """Let a higher floor write down what stands in each file with personal data, in the transaction of the file's audit row."""
    if note not in _notes:
        _notes.append(note)


class FiltersTooLong(NotExported):
    """No request can hold them."""


def two_persons(listing: Listing, rows: int) -> HttpResponseBase | dict[str, Any]:
    """Few rows leave at once, many under an approval; without one the answer asks what the file is for."""
    return _of_listing(listing, rows, by_team=False)


def two_persons_of_teams(listing: Listing, rows: int) -> HttpResponseBase | dict[str, Any]:
    """The same for lists in which who leads a team sees its rows of every city."""
    return _of_listing(listing, rows, by_team=True)


def _of_listing(listing: Listing, rows: int, *, by_team: bool) -> HttpResponseBase | dict[str, Any]:
    return pass_door(
        listing.request, list_name=listing.name, title=str(listing.title), path=listing.request.path, query=query_of(listing), rows=rows,
        by_team=by_team, holding=listing.exported_rows(),
    )  # fmt: skip


def pass_door(
    request: HttpRequest, *, list_name: str, title: str, path: str, query: str, rows: int, by_team: bool = False, is_masked: bool = True,
    holding: QuerySet | None = None,
) -> HttpResponseBase | dict[str, Any]:  # fmt: skip
    """What the file's audit row says besides, or the page that asks; call it in the transaction that writes the audit row.

    `is_masked`: no number stands in the file in full. `holding`: the rows of the file. Raises FiltersTooLong.
    """
    by, at = request.user, database_now()
    if exports.may_leave_alone(rows=rows, by=by, at=at):
        return {"alone": True, **_noted(holding, list_name, title, rows, None, by, at)}
    if len(query) > LONGEST_QUERY:
        raise FiltersTooLong(_("The filters are too long for an export request. Shorten them and export again."))
    approved = exports.take_export(list_name=list_name, query=query, rows=rows, by=by, at=at, by_team=by_team)
    if approved:
        return {"request": approved.pk, **_noted(holding, list_name, title, rows, approved.pk, by, at)}
    what = {
        "list_name": list_name, "title": title, "path": path, "query": query, "rows": rows, "by_team": by_team, "user": by.pk,
    }  # fmt: skip
    context = {
        "what": signing.dumps(what, salt=SALT, compress=True), "rows": rows, "least": exports.TWO_PERSONS, "is_masked": is_masked,
        "crumbs": [(title, f"{path}?{query}")],
    }  # fmt: skip
    return render(request, "people/export_ask.html", context, status=409)


def _noted(
    holding: QuerySet | None, list_name: str, title: str, rows: int, request_id: int | None, by: Any, at: datetime
) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for note in _notes if holding is not None else []:
        said |= note(holding, list_name=list_name, title=title, row_count=rows, request_id=request_id, by=by, at=at)
    return said


def query_of(listing: Listing, *, without: Collection[str] = ()) -> str:
    """The filters alone, always in the same order: what decides which rows are in the file. Those of `without` the caller tells."""
    if listing.filterset is None:
        return ""
    # as the filters read them: some know a field by a second name
    data = listing.filterset.data
    named = [name for name in listing.filterset.form.fields if data.get(name) and name not in without]
    return urlencode(sorted((name, data[name]) for name in named))
