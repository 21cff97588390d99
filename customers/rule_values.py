"""What the value of a rule of contact must look like, and how it reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _, ngettext

from core.errors import DomainError

# A customer's row keeps the last 20 attempts, and at the dial the newest of them is the one reserved for this very call: a cap can look at no
# more than those before it.
MOST_ATTEMPTS = 19
MOST_HOURS = 24 * 366
clock_time = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00").fullmatch


class BadRuleValue(DomainError):
    """The value does not fit the rule."""


def minutes_of(text: str) -> int:
    """ "09:30" -> 570; "24:00" -> 1440."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def clean_value(key: str, value: Any) -> dict[str, Any]:
    """The value as it is stored, with nothing beside what its key knows. Raises BadRuleValue with the sentence for the form."""
    clean = CLEANERS.get(key)
    if clean is None:
        raise BadRuleValue(_("There is no rule %(key)s.") % {"key": key})
    if not isinstance(value, dict):
        raise BadRuleValue(_("The value of a rule is an object with named parts."))
    return clean(value)


def _whole(value: dict[str, Any], name: str, low: int, high: int, sentence: str) -> int:
    found = value.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not low <= found <= high:
        raise BadRuleValue(sentence % {"low": low, "high": high})
    return found


def _clean_hours(value: dict[str, Any]) -> dict[str, Any]:
    days = value.get("days")
    if not isinstance(days, list) or not days or not all(type(day) is int and 1 <= day <= 7 for day in days):
        raise BadRuleValue(_("Choose at least one day of the week."))
    opens, closes = value.get("opens"), value.get("closes")
    for text in (opens, closes):
        if not isinstance(text, str) or not clock_time(text):
            raise BadRuleValue(_("Write times as hours and minutes, like 09:00; the end of the day is 24:00."))
    if minutes_of(str(opens)) >= minutes_of(str(closes)):
        raise BadRuleValue(_("Calling hours must end after they begin. For hours over midnight make two rules."))
    return {"days": sorted(set(days)), "opens": opens, "closes": closes}


def _clean_cap(value: dict[str, Any]) -> dict[str, Any]:
    return {
        "most": _whole(
            value, "most", 1, MOST_ATTEMPTS, _("The number of attempts is a whole number from %(low)s to %(high)s.")
        ),
        "hours": _whole(
            value, "hours", 1, MOST_HOURS, _("The period is a whole number of hours from %(low)s to %(high)s.")
        ),
    }


def _clean_gap(value: dict[str, Any]) -> dict[str, Any]:
    return {
        "minutes": _whole(
            value, "minutes", 1, 60 * 24 * 31, _("The gap is a whole number of minutes from %(low)s to %(high)s.")
        )
    }


def _clean_answered(value: dict[str, Any]) -> dict[str, Any]:
    sentence = _(
        "Only one answered call per day can be set (from %(low)s to %(high)s): a customer's row keeps the last conversation."
    )
    return {"most": _whole(value, "most", 1, 1, sentence)}


def _clean_rest(value: dict[str, Any]) -> dict[str, Any]:
    return {"days": _whole(value, "days", 1, 3660, _("The rest is a whole number of days from %(low)s to %(high)s."))}


def _clean_consent(value: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(value.get("needed"), bool):
        raise BadRuleValue(_("Say whether consent is needed: yes or no."))
    return {"needed": value["needed"]}


def _clean_register_age(value: dict[str, Any]) -> dict[str, Any]:
    return {"days": _whole(value, "days", 1, 366, _("The age is a whole number of days from %(low)s to %(high)s."))}


CLEANERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "hours": _clean_hours,
    "cap": _clean_cap,
    "gap": _clean_gap,
    "answered_per_day": _clean_answered,
    "refusal_rest": _clean_rest,
    "consent": _clean_consent,
    "register_age": _clean_register_age,
}


HARDNESS = {"log": 0, "warn": 1, "block": 2}

# A later value, against the one before: at least as strict in every part.
STRICTER: dict[str, Callable[[dict[str, Any], dict[str, Any]], bool]] = {
    "hours": lambda new, old: (
        set(new["days"]) <= set(old["days"])
        and minutes_of(new["opens"]) >= minutes_of(old["opens"])
        and minutes_of(new["closes"]) <= minutes_of(old["closes"])
    ),
    "cap": lambda new, old: new["most"] <= old["most"] and new["hours"] >= old["hours"],
    "gap": lambda new, old: new["minutes"] >= old["minutes"],
    "answered_per_day": lambda new, old: new["most"] <= old["most"],
    "refusal_rest": lambda new, old: new["days"] >= old["days"],
    "consent": lambda new, old: new["needed"] or not old["needed"],
    "register_age": lambda new, old: new["days"] <= old["days"],
}


def tightens(key: str, new: dict[str, Any], severity: str, old: dict[str, Any], old_severity: str) -> bool:
    """Whether the new value forbids more than the old one and allows nothing that it forbade.

    Hours keep their severity: those of one pack add up within a severity, so a warning made a block could widen the block.
    """
    harder = HARDNESS[severity] - HARDNESS[old_severity]
    if harder < 0 or (key == "hours" and harder):
        return False
    return (new != old or harder > 0) and STRICTER[key](new, old)


def tightens_alone(key: str, value: dict[str, Any]) -> bool:
    """Whether a rule that did not exist can only forbid. Hours of one pack and scope add up, so new ones may allow; "no consent needed"
    forbids nothing."""
    return key != "hours" and value.get("needed", True) is True


def days_in_words(days: list[int]) -> str:
    """[1,2,3,4,5] -> "Mon–Fri"; [1, 3] -> "Mon, Wed"."""
    names = [str(WEEKDAYS_ABBR[day - 1]) for day in days]
    if len(days) == 7:
        return _("every day")
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"{names[0]}–{names[-1]}"
    return ", ".join(names)


def value_in_words(key: str, value: dict[str, Any]) -> str:
    """What a rule says, in one short line."""
    return WORDS[key](value)


def _period(hours: int) -> str:
    if hours % 24 == 0 and hours > 24:
        return ngettext("%(count)d day", "%(count)d days", hours // 24) % {"count": hours // 24}
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}


WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "hours": lambda v: _("%(days)s from %(opens)s to %(closes)s") % {**v, "days": days_in_words(v["days"])},
    "cap": lambda v: (
        ngettext("at most %(most)d attempt in %(period)s", "at most %(most)d attempts in %(period)s", v["most"])
        % {"most": v["most"], "period": _period(v["hours"])}
    ),
    "gap": lambda v: (
        ngettext("%(count)d minute between attempts", "%(count)d minutes between attempts", v["minutes"])
        % {"count": v["minutes"]}
    ),
    "answered_per_day": lambda v: (
        ngettext("%(count)d answered sales call per day", "%(count)d answered sales calls per day", v["most"])
        % {"count": v["most"]}
    ),
    "refusal_rest": lambda v: (
        ngettext("%(count)d day after a refused offer", "%(count)d days after a refused offer", v["days"])
        % {"count": v["days"]}
    ),
    "register_age": lambda v: (
        ngettext("at most %(count)d day old", "at most %(count)d days old", v["days"]) % {"count": v["days"]}
    ),
    "consent": lambda v: _("needed before a call") if v["needed"] else _("not needed before a call"),
}
