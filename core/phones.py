"""Phone numbers: from what people type or Excel leaves, to E.164 digits without the plus."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from core.errors import DomainError

is_chinese_mobile = re.compile(r"1[3-9]\d{9}", re.ASCII).fullmatch
SCIENTIFIC = re.compile(r"[+-]?\d+(?:\.\d*)?e[+-]?\d+", re.IGNORECASE)
WHOLE_FLOAT = re.compile(r"(\d+)\.0*")
FRACTION = re.compile(r"-?\d{8,}\.\d+")
# zero-width and bidirectional marks, soft hyphen, variation selectors, byte order mark
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
SEPARATORS = re.compile(r"[\s()\[\]{}./\\_·•~\-\u2010-\u2015\u2043\u2212]+")
RUN = re.compile(rf"(?:\+{SEPARATORS.pattern[:-1]}*)?\d(?:{SEPARATORS.pattern[:-1]}*\d)*")
SHORTEST = 7  # digits of a number that stands alone
AMONG_WORDS = 11
LONGEST = 40


class BadPhone(DomainError):
    """The text is no phone number; the sentence says why, `code` says it in a word that can be stored."""

    def __init__(self, message: str = "", code: str = "phone_invalid") -> None:
        super().__init__(message)
        self.code = code


def clean_phone(raw: Any) -> str:
    """E.164 digits without the plus: "139 0000 7548" -> "8613900007548". Raises BadPhone.

    Numbers are those of the region (settings.REGION_COUNTRY) unless they begin with + or 00. A float that lost nothing
    (13900007548.0, as Excel gives it) is fine; "1.39E+10" has lost its digits.
    """
    text = raw if type(raw) is str else _as_text(raw)
    # the fast path: nearly all rows of a Chinese list; a general library costs 15 µs a row
    if len(text) == 11 and text.isascii() and is_chinese_mobile(text) and _region() == "CN":
        return "86" + text
    return _clean_slowly(text)


def _as_text(raw: Any) -> str:
    if raw is None or isinstance(raw, bool):
        return ""
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() and abs(raw) < 2**53 else repr(raw)
    return str(raw)


@lru_cache(maxsize=1)
def _region() -> str:
    return getattr(settings, "REGION_COUNTRY", "CN")


def holds_number(text: str) -> bool:
    """Whether what somebody typed into a search holds a phone number, or is so much of one that it must not stand in an address.

    Among other words it takes a run of 11 digits, or 7 after a plus: years and numbers of firms ("2020-2021", "No. 12 34 567") are names.
    """
    plain = INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    alone = SEPARATORS.sub("", plain).strip("+'`")
    if alone.isdigit() and len(alone) >= SHORTEST:
        return True
    return any(
        sum(map(str.isdigit, run)) >= (SHORTEST if run.startswith("+") else AMONG_WORDS) for run in RUN.findall(plain)
    )


def _clean_slowly(text: str) -> str:
    if len(text) > LONGEST * 4:
        raise BadPhone(_("The phone number is far too long."), "phone_too_long")
    plain = INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip().strip("'`")
    if not plain:
        raise BadPhone(_("The phone number is missing."), "phone_missing")
    if SCIENTIFIC.fullmatch(plain.replace(" ", "")):
        raise BadPhone(
            _(
                "The phone number has lost its digits: Excel wrote it as a power of ten. Format the column as text and fill it again."
            ),
            "phone_lost_digits",
        )
    whole = WHOLE_FLOAT.fullmatch(plain)
    if not whole and FRACTION.fullmatch(plain):
        raise BadPhone(_("The phone number has a decimal point."))
    return _judge(whole[1] if whole else SEPARATORS.sub("", plain))


def _judge(text: str) -> str:
    foreign = text.startswith(("+", "00"))
    digits = text.removeprefix("+") if text.startswith("+") else text[2:] if foreign else text
    if not (digits.isascii() and digits.isdigit()):
        raise BadPhone(_("The phone number has characters that are no digits."), "phone_letters")
    if len(digits) < 5:
        raise BadPhone(_("The phone number is too short."), "phone_too_short")
    if len(digits) > 15:
        raise BadPhone(_("The phone number is too long."), "phone_too_long")
    if _region() == "CN":
        mobile = digits[2:] if len(digits) == 13 and digits.startswith("86") else digits
        if is_chinese_mobile(mobile) and (not foreign or mobile is not digits):
            return "86" + mobile
        if not foreign and len(digits) == 11 and digits[0] == "1":
            # as long as a mobile number: the library would call it too short
            raise BadPhone(_("No such phone number can exist."))
    return _by_library(("+" if foreign else "") + digits)


def _by_library(text: str) -> str:
    import phonenumbers

    try:
        number = phonenumbers.parse(text, _region())
    except phonenumbers.NumberParseException:
        raise BadPhone(_("This is no phone number.")) from None
    if not phonenumbers.is_valid_number(number):
        raise BadPhone(*_invalid_sentence(number, phonenumbers))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]


def _invalid_sentence(number: Any, phonenumbers: Any) -> tuple[str, str]:
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == phonenumbers.ValidationResult.TOO_SHORT:
        return _("The phone number is too short."), "phone_too_short"
    if reason == phonenumbers.ValidationResult.TOO_LONG:
        return _("The phone number is too long."), "phone_too_long"
    return _("No such phone number can exist."), "phone_invalid"


def mask_phone(clean: str) -> str:
    """What may be shown: "8613900007548" -> "139****7548"; of landlines and foreign numbers the last four digits."""
    local = clean[2:] if clean.startswith("86") and len(clean) >= 11 else clean
    if len(local) >= 10:
        return f"{local[:3]}****{local[-4:]}"
    if len(local) >= 7:
        return f"{local[:1]}****{local[-3:]}"
    return "****"


def phone_prefix(clean: str) -> str:
    """The three digits kept for targeting (号段); more would give the whole number away beside the mask. "" for others."""
    return clean[2:5] if clean.startswith("86") and is_chinese_mobile(clean[2:]) else ""
