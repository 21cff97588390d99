"""What can be asked of a customer's history: called, reached, bought, refused, by when, campaign and result.

Each is an EXISTS by the customer's index with a bound in time, so that no more months are read than were asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from campaigns.models import Call, Campaign, Disposition, Order
from customers.conditions import Ask, Condition, Kind, register
from customers.conditions.registry import Narrowing
from people.models import User


def _campaigns(user: User | None) -> list[tuple[str, str]]:
    rows = Campaign.objects.all() if user is None else Campaign.objects.visible_to(user)
    return [(str(pk), name) for pk, name in rows.order_by("name", "pk").values_list("pk", "name").distinct()]


def _results(user: User | None) -> list[tuple[str, str]]:
    """The common ones; a campaign's own counts as the one it maps to."""
    rows = Disposition.objects.common().order_by("position", "id")
    return [(row.code, str(row)) for row in rows]


def _told(ask: Ask, rows: Any) -> Q:
    found = Q(Exists(rows))
    return found if ask.op == "within" else ~found


def _calls(**flags: bool) -> Callable[[Ask], Q]:
    def compile(ask: Ask) -> Q:
        rows = Call.objects.filter(
            customer_id=OuterRef("pk"),
            started_at__gte=ask.at - timedelta(days=ask.value),
            started_at__lte=ask.at,
            **flags,
        )
        if campaigns := ask.where.get("campaign"):
            rows = rows.filter(campaign_id__in=[int(pk) for pk in campaigns])
        if results := ask.where.get("result"):
            chosen = Q(campaign=None, code__in=results) | Q(maps_to__code__in=results)
            rows = rows.filter(disposition_id__in=list(Disposition.objects.filter(chosen).values_list("pk", flat=True)))
        return _told(ask, rows)

    return compile


def _bought(ask: Ask) -> Q:
    """An order that was not cancelled since."""
    since = ask.at - timedelta(days=ask.value)
    rows = Order.objects.filter(customer_id=OuterRef("pk"), call_started_at__gte=since, call_started_at__lte=ask.at)
    rows = rows.exclude(state=Order.State.CANCELLED)
    if campaigns := ask.where.get("campaign"):
        rows = rows.filter(campaign_id__in=[int(pk) for pk in campaigns])
    return _told(ask, rows)


HISTORY = _("History")
CAMPAIGN = Narrowing(_("in campaign"), _campaigns)
RESULT = Narrowing(_("with result"), _results)

register(
    Condition(
        "called",
        _("Was called"),
        Kind.HISTORY,
        _calls(direction="outbound"),
        group=HISTORY,
        narrowings={"campaign": CAMPAIGN, "result": RESULT},
    ),
    Condition(
        "reached",
        _("Was reached"),
        Kind.HISTORY,
        _calls(direction="outbound", connected=True),
        group=HISTORY,
        narrowings={"campaign": CAMPAIGN},
    ),
    Condition("bought", _("Bought"), Kind.HISTORY, _bought, group=HISTORY, narrowings={"campaign": CAMPAIGN}),
    Condition(
        "refused",
        _("Refused an offer"),
        Kind.HISTORY,
        _calls(refuses_offer=True),
        group=HISTORY,
        narrowings={"campaign": CAMPAIGN},
    ),
)
