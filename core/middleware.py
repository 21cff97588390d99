"""What every answer passes on its way out."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.defaults import permission_denied

from core.audit import audit_refusal
from core.errors import PermissionRefused, cannot_be_stored, was_too_slow

logger = logging.getLogger(__name__)
RETRY_AFTER = "30"


class RefusalMiddleware:
    """Records every 403 that a signed-in person gets, of pages and API alike, whatever rule gave it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 403 and request.user.is_authenticated:
            audit_refusal(request)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A role that does not allow something is 403 with its sentence, also where a view did not think of it.

        What takes too long is 503; what no column can hold is 400, whatever field it came in.
        """
        if isinstance(error, PermissionRefused):
            return permission_denied(request, PermissionDenied(str(error)))
        if was_too_slow(error):
            logger.warning("A statement of %s took too long and was given up.", _view_of(request))
            answer = render(request, "503.html", status=503)
            answer.headers["Retry-After"] = RETRY_AFTER
            return answer
        if cannot_be_stored(error):
            # with the trace: the same may come of a fault of our own
            logger.warning("%s was sent what the database cannot hold.", _view_of(request), exc_info=error)
            return render(request, "400_letters.html", status=400)
        return None


def _view_of(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""
