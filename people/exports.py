"""The door that lists with personal data have before their files: `Listing(..., door=two_persons)`."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.http import HttpResponseBase
from django.shortcuts import render
from django.utils.http import urlencode

from core.clock import database_now
from core.listing import Listing
from people.services import exports

SALT = "people.exports"


def two_persons(listing: Listing, rows: int) -> HttpResponseBase | dict[str, Any]:
    """Few rows leave at once, many under an approval; without one the answer asks what the file is for."""
    by, at = listing.request.user, database_now()
    if exports.may_leave_alone(rows=rows, by=by, at=at):
        return {"alone": True}
    query = query_of(listing)
    approved = exports.take_export(list_name=listing.name, query=query, rows=rows, by=by, at=at)
    if approved:
        return {"request": approved.pk}
    what = {
        "list_name": listing.name, "title": str(listing.title), "path": listing.request.path, "query": query, "rows": rows, "user": by.pk,
    }  # fmt: skip
    context = {"what": signing.dumps(what, salt=SALT, compress=True), "rows": rows, "least": exports.TWO_PERSONS}
    context["crumbs"] = [(listing.title, f"{listing.request.path}?{query}")]
    return render(listing.request, "people/export_ask.html", context, status=409)


def query_of(listing: Listing) -> str:
    """The filters alone, always in the same order: what decides which rows are in the file."""
    return urlencode(sorted(listing.filter_values.items()))
