"""Refusals that a user may read."""

from django.core.exceptions import PermissionDenied


class DomainError(Exception):
    """A rule said no. `str(error)` is the whole sentence for the user; subclasses are named by the sentence, without "Error"."""


class PermissionRefused(DomainError, PermissionDenied):
    """The user may see the thing but not do this to it; the answer is 403 with the sentence."""


# character_not_in_repertoire, invalid_text_representation, untranslatable_character, numeric_value_out_of_range
NOT_STORABLE = ("22021", "22P02", "22P05", "22003")
CANCELED = "57014"  # PostgreSQL's query_canceled: the time for one statement was over


def was_too_slow(error: BaseException) -> bool:
    """Whether the database gave this up because it took longer than a page may wait (settings: DATABASE_STATEMENT_SECONDS)."""
    return getattr(error.__cause__, "pgcode", "") == CANCELED


def cannot_be_stored(error: BaseException) -> bool:
    """Whether a value that was sent holds what PostgreSQL keeps in no column: a NUL, half a character, NaN in JSON, a number beyond its type."""
    if isinstance(error, UnicodeEncodeError):
        return "surrogates" in error.reason
    if isinstance(error, ValueError):
        return "NUL (0x00)" in str(error)
    return getattr(error.__cause__, "pgcode", "") in NOT_STORABLE
