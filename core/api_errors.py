"""One exception handler for the whole API: a rule that says no is 409 with its sentence."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler as default_handler, set_rollback

from core.errors import DomainError, PermissionRefused, cannot_be_stored, was_too_slow

logger = logging.getLogger(__name__)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DomainError: 409 {"detail": sentence, "code": name of the rule}; PermissionRefused: 403; bad input: 400; what no column can hold: 400; too slow: 503."""
    if isinstance(error, DomainError):
        set_rollback()
        refused = isinstance(error, PermissionRefused)
        answer = {"detail": str(error), "code": type(error).__name__}
        return Response(
            answer,
            status=status.HTTP_403_FORBIDDEN if refused else status.HTTP_409_CONFLICT,
        )
    if was_too_slow(error):
        set_rollback()
        told = {
            "detail": _("This took longer than an answer may take and was stopped. Ask for less at once."),
            "code": "TooSlow",
        }
        return Response(told, status=status.HTTP_503_SERVICE_UNAVAILABLE, headers={"Retry-After": "30"})
    if cannot_be_stored(error):
        logger.warning("The API was sent what the database cannot hold.", exc_info=error)
        set_rollback()
        told = {
            "detail": _(
                "What was sent holds a character or a number that cannot be kept: a NUL, half a character, or a number that is too large."
            ),
            "code": "NotStorable",
        }
        return Response(told, status=status.HTTP_400_BAD_REQUEST)
    if isinstance(error, DjangoValidationError):
        error = ValidationError(error.message_dict if hasattr(error, "error_dict") else error.messages)
    return default_handler(error, context)
