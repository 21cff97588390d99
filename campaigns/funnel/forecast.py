"""How long the stock of callable leads lasts at the present burn."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _, ngettext

from campaigns.funnel.counting import Funnel
from campaigns.funnel.statement import BURN_DAYS
from core.templatetags.look import fixed, thousands

DAYS = 5


@dataclass(frozen=True)
class Forecast:
    """`stock`: leads against which nothing stands but time. `per_day`: leads finished a day, the mean of the last `basis` days before today
    on which any were finished. `days`: working days for which the stock lasts; None when it cannot be said."""

    stock: int
    per_day: float | None
    basis: int
    days: float | None

    def is_low(self, threshold: int) -> bool:
        return self.days is not None and self.days < threshold

    @property
    def sentence(self) -> str:
        told = {
            "stock": thousands(self.stock),
            "per_day": fixed(self.per_day, 0),
            "days": fixed(self.days, 1),
            "basis": self.basis,
        }
        if self.per_day is None:
            return _("It cannot be said how long the stock lasts: no lead was finished in the %(days)s days before today.") % {
                "days": BURN_DAYS
            }  # fmt: skip
        return ngettext(
            "%(stock)s leads last %(days)s working days at %(per_day)s finished a day, as on the last day with finished leads.",
            "%(stock)s leads last %(days)s working days at %(per_day)s finished a day, the mean of the last %(basis)s days with finished leads.",
            self.basis,
        ) % told  # fmt: skip


def forecast(funnel: Funnel) -> Forecast:
    """Days without a finished lead are no working days. Today is not over and does not count."""
    worked = sorted((day for day, leads in funnel.finished.items() if leads), reverse=True)[:DAYS]
    if not worked:
        return Forecast(funnel.stock, None, 0, None)
    per_day = sum(funnel.finished[day] for day in worked) / len(worked)
    return Forecast(funnel.stock, per_day, len(worked), funnel.stock / per_day)
