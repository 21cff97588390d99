"""Turning a rule's no into an answer: 403 with a sentence, and a row in the audit trail."""

from __future__ import annotations

from typing import NoReturn

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _

from core.audit import audit_refusal


def must(request: HttpRequest, allowed: bool, sentence: str = "") -> None:
    """Go on only when a rule allowed it: `must(request, rules.can_lift(request.user, row))`."""
    if not allowed:
        refuse(request, sentence)


def refuse(request: HttpRequest, sentence: str = "") -> NoReturn:
    audit_refusal(request)
    raise PermissionDenied(sentence or _("Your role does not allow this."))
