"""Figures and changes as people read them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from core.means import apart
from core.templatetags.look import clock, fixed, percent, signed, thousands
from metrics import registry
from metrics.questions import Period
from metrics.registry import Indicator

Z = 1.959963984540054


def written(indicator: Indicator, value: float | None) -> str:
    """A figure with its unit: "6.47 %", "2:13", "0.19"."""
    if value is None:
        return "–"
    if indicator.unit == registry.PERCENT:
        return percent(value / 100, indicator.places)
    return bare(indicator, value)


def bare(indicator: Indicator, value: float | None) -> str:
    """A figure without its unit, as it stands in a column."""
    if value is None:
        return "–"
    if indicator.unit == registry.SECONDS:
        return clock(value)
    if indicator.unit == registry.COUNT:
        return thousands(round(value))
    return fixed(value, indicator.places)


@dataclass(frozen=True)
class Change:
    """A change against another period: in words, whether it is clear of chance, and which way."""

    text: str
    verdict: str
    up: bool


def change(indicator: Indicator, now: registry.Counts, was: registry.Counts) -> Change | None:
    """The change of an indicator. An arrow only where the interval of the difference leaves out nought; None without a figure before."""
    one, other = indicator.parts(now), indicator.parts(was)
    value, before = indicator.value(now), indicator.value(was)
    if one is None or other is None or value is None or before is None:
        return None
    if indicator.unit in (registry.COUNT, registry.PER_HOUR):
        clear = _counts_differ(one, other)
    else:
        clear = _intervals_differ((value, indicator.interval(now)), (before, indicator.interval(was)))
    said = verdict(indicator, clear, value > before)
    text = _difference(indicator, value, before)
    return Change(text.lstrip("+−") if said else text, said, value > before)


Judged = tuple[float, tuple[float, float] | None]


def _intervals_differ(now: Judged, was: Judged) -> bool:
    (value, band), (before, old) = now, was
    return bool(band and old and apart((band[0], value, band[1]), (old[0], before, old[1])))


def _counts_differ(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Counts over exposures, as Poisson: whether the interval of their ratio leaves out one."""
    if one[0] <= 0 or other[0] <= 0:
        return False
    ratio = math.log(one[0] * (other[1] or 1)) - math.log(other[0] * (one[1] or 1))
    return abs(ratio) > Z * math.sqrt(1 / one[0] + 1 / other[0])


def verdict(indicator: Indicator, clear: bool, rose: bool) -> str:
    if not clear or not indicator.better:
        return ""
    return "good" if rose == (indicator.better == "up") else "bad"


def _difference(indicator: Indicator, value: float, before: float) -> str:
    if indicator.unit == registry.PERCENT:
        return _("%(number)s points") % {"number": signed(value - before, indicator.places)}
    if indicator.unit == registry.COUNT:
        return percent_change(value, before)
    if indicator.unit == registry.SECONDS:
        return _("%(number)s s") % {"number": signed(value - before, 0)}
    return signed(value - before, indicator.places)


def percent_change(value: float, before: float) -> str:
    if not before:
        return signed(value - before)
    text = percent(abs(value / before - 1), 0)
    return text if round(abs(value / before - 1), 2) == 0 else ("+" if value > before else "−") + text


def between(indicator: Indicator, band: tuple[float, float]) -> str:
    """An interval as it stands beside its figure: "8.1–12.2"."""
    return "–".join(fixed(bound, indicator.places) for bound in band)


def period_words(period: Period, grain: str) -> str:
    """A period in a narrow place: "19 Nov", "W47", "Nov 2026"."""
    if grain == "week":
        return period.label.split("-")[1]
    if grain == "month":
        return date_format(period.first, "YEAR_MONTH_FORMAT")
    return date_format(period.first, "MONTH_DAY_FORMAT")


def range_words(first: Any, last: Any) -> str:
    """Both ends of a range."""
    return _("%(first)s to %(last)s") % {
        "first": date_format(first, "DATE_FORMAT"),
        "last": date_format(last, "DATE_FORMAT"),
    }
