"""Costs of the work: entered by month, taken back, put back. An entry is never changed."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns import rules
from campaigns.models import Campaign, Cost
from core.audit import audit
from core.calendar import business_date, month_start, next_month
from core.errors import DomainError, PermissionRefused
from people.models import City, User

# Nobody enters more than this for one month by hand; a slip of two digits is more likely.
MOST_CENTS = 10**12
FIRST_MONTH = date(2000, 1, 1)


class CostWrong(DomainError):
    """The month, the amount or the key cannot be."""


class CostNotStanding(DomainError):
    """It is taken back already, or it stands."""


@transaction.atomic
def enter_cost(
    *,
    kind: str,
    month: date,
    amount_cents: int,
    by: User,
    at: datetime,
    city: City | None = None,
    campaign: Campaign | None = None,
    spread: str = "",
    note: str = "",
) -> Cost:
    """`month`: any day of it, at most the next one. Of a city's own campaign it is the city's. Without a city or a campaign `spread` says by what
    it is shared among them.

    Raises CostWrong, PermissionRefused.
    """
    _must_cover(by, city, campaign)
    if campaign and campaign.city_id:
        if city and campaign.city_id != city.pk:
            raise CostWrong(_("This campaign belongs to another city."))
        city = campaign.city
    _check(kind, month, amount_cents, spread, business_date(at))
    if city and campaign and spread:
        raise CostWrong(_("A cost of one campaign in one city leaves nothing to share."))
    cost = Cost.objects.create(
        kind=kind, month=month_start(month), amount_cents=amount_cents, city=city, campaign=campaign, spread=spread, note=note.strip()[:200], entered_by=by, created_at=at
    )  # fmt: skip
    audit("campaigns.cost.entered", cost, by=by, at=at, month=str(cost.month), amount_cents=amount_cents)
    return cost


def _check(kind: str, month: date, amount_cents: int, spread: str, today: date) -> None:
    if kind not in Cost.Kind or spread not in Cost.Spread:
        raise CostWrong(_("There is no such kind of cost, or no such key."))
    if not 0 < amount_cents <= MOST_CENTS:
        raise CostWrong(_("Enter an amount above nothing."))
    if not FIRST_MONTH <= month < next_month(next_month(today)):
        raise CostWrong(_("Costs are entered for months past, this one and the next."))


def take_back_cost(*, cost: Cost, by: User, at: datetime) -> Cost:
    """It no longer counts, and stays to be seen. Raises CostNotStanding, PermissionRefused."""
    return _turn(cost, by, at, stands=True)


def put_back_cost(*, cost: Cost, by: User, at: datetime) -> Cost:
    """It counts again. Raises CostNotStanding, PermissionRefused."""
    return _turn(cost, by, at, stands=False)


@transaction.atomic
def _turn(cost: Cost, by: User, at: datetime, *, stands: bool) -> Cost:
    cost = Cost.objects.select_for_update(of=("self",)).select_related("city", "campaign").get(pk=cost.pk)
    _must_cover(by, cost.city, cost.campaign)
    if (cost.taken_back_at is None) != stands:
        raise CostNotStanding(_("This cost is taken back already.") if stands else _("This cost counts already."))
    cost.taken_back_at = at if stands else None
    cost.save(update_fields=["taken_back_at"])
    audit("campaigns.cost.taken_back" if stands else "campaigns.cost.put_back", cost, by=by, at=at)
    return cost


def _must_cover(by: User, city: City | None, campaign: Campaign | None) -> None:
    if not rules.can_enter_cost(by, city_id=city.pk if city else None, campaign=campaign):
        raise PermissionRefused(
            _("Choose one of your cities, or a campaign of your city; shared costs are entered for the region.")
        )
