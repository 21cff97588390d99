"""Small helpers for answers to htmx."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


def is_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def go_to(request: HttpRequest, url: str) -> HttpResponse:
    """Redirect the whole page, also when htmx asked."""
    if is_htmx(request):
        return HttpResponse(headers={"HX-Redirect": url})
    return redirect(url)


def refresh() -> HttpResponse:
    """Load the whole page anew."""
    return HttpResponse(headers={"HX-Refresh": "true"})


def toast(response: HttpResponse, text: str, *, undo: str = "", **events: Any) -> HttpResponse:
    """Let the answer show a toast, with the URL that undoes it."""
    body: dict[str, Any] = {"text": text} | ({"undo": undo} if undo else {})
    # ASCII with escapes: headers carry no Chinese
    response.headers["HX-Trigger"] = json.dumps({"toast": body, **events})
    return response
