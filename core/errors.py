"""Refusals that a user may read."""

from django.core.exceptions import PermissionDenied


class DomainError(Exception):
    """A rule said no. `str(error)` is the whole sentence for the user; subclasses are named by the sentence, without "Error"."""


class PermissionRefused(DomainError, PermissionDenied):
    """The user may see the thing but not do this to it; the answer is 403 with the sentence."""


CANCELED = "57014"  # PostgreSQL's query_canceled: the time for one statement was over


def was_too_slow(error: BaseException) -> bool:
    """Whether the database gave this up because it took longer than a page may wait (settings: DATABASE_STATEMENT_SECONDS)."""
    return getattr(error.__cause__, "pgcode", "") == CANCELED
