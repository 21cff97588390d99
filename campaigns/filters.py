"""Filters of calls and orders, for pages and API alike. A figure's link carries the same words, so that its list shows what it counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from campaigns.models import Call, Campaign, Disposition, Order
from core.calendar import business_date
from core.clock import database_now
from core.filters import FromDayFilter, ToDayFilter
from people.models import City, Team, User

YES_NO = [("1", _("yes")), ("0", _("no"))]
ALIASES = {"from": "since", "to": "until"}


RECENT_DAYS = 31
LENGTHS = ("talk_seconds", "after_call_seconds")


def _reads_every_month(data: Any) -> bool:
    if any(data.get(name) for name in ("since", "until", *ALIASES)):
        return False
    return bool(data.get("customers")) or data.get("sort", "").removeprefix("-") in LENGTHS


def visible_rows(model: Any, order: str) -> Any:
    """For a filter's queryset: the rows that the person who asks may see."""

    def rows(request: Any) -> QuerySet:
        return model.objects.visible_to(request.user).order_by(order) if request else model.objects.none()

    return rows


def common_results() -> list[tuple[str, str]]:
    return [(row.code, str(row)) for row in Disposition.objects.common().order_by("position")]


def _yes_no(label: Any, field: str) -> django_filters.ChoiceFilter:
    return django_filters.ChoiceFilter(
        label=label, choices=YES_NO, empty_label=_("all"), method="by_yes_no", field_name=field
    )


def one_of(label: Any, model: Any, order: str) -> django_filters.ModelChoiceFilter:
    """Of those that the person who asks may see; for a CircumstanceFilter."""
    return django_filters.ModelChoiceFilter(
        label=label, queryset=visible_rows(model, order), empty_label=_("all"), method="by_id"
    )


def one_agent() -> django_filters.ModelChoiceFilter:
    """As figures link to an agent's rows."""
    return django_filters.ModelChoiceFilter(
        label=_("Agent"), queryset=visible_rows(User, "code"), method="by_id", widget=forms.HiddenInput()
    )


def an_agent_by_code() -> django_filters.CharFilter:
    return django_filters.CharFilter(
        label=_("Agent"), method="by_agent_code", widget=forms.TextInput(attrs={"type": "search", "size": 8})
    )


class CircumstanceFilter(django_filters.FilterSet):
    """Of whatever keeps the circumstances of a call as plain ids: `by_id`, `by_agent_code` (or login), `by_result` (by code)."""

    def by_id(self, rows: QuerySet, name: str, value: Any) -> QuerySet:
        return rows.filter(**{f"{name}_id": value.pk})

    def by_agent_code(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        code = value.strip()
        return rows.filter(
            agent_id__in=User.objects.filter(Q(code__iexact=code) | Q(username__iexact=code)).values("pk")
        )

    def by_result(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """A common result, with the campaigns' own that count as it."""
        found = Disposition.objects.filter(Q(code=value, campaign=None) | Q(maps_to__code=value))
        return rows.filter(disposition_id__in=list(found.values_list("pk", flat=True)))


class FactFilter(CircumstanceFilter):
    """What calls and orders have in common. `from` and `to` are other words for `since` and `until`."""

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        if data is not None and any(name in data for name in ALIASES):
            data = data.copy()
            for other, name in ALIASES.items():
                if other in data and name not in data:
                    data[name] = data[other]
        super().__init__(data, *args, **kwargs)


class CallFilter(FactFilter):
    """`customers` leaves one call of each customer: the list is as long as the figure is high.

    What no index answers (one call per customer, sorted by lengths) is asked of the last 31 days when no date is given: all months of
    calls would be read for it. `is_recent_only` says that this is so.
    """

    CUSTOMERS = [
        ("called", _("called")),
        ("reached", _("reached")),
        ("won", _("won")),
        ("cancelled", _("cancelled")),
        ("complained", _("complained")),
    ]

    since = FromDayFilter(label=_("From"), field_name="started_at")
    until = ToDayFilter(label=_("To"), field_name="started_at")
    city = one_of(_("City"), City, "name")
    team = one_of(_("Team"), Team, "code")
    agent_code = an_agent_by_code()
    agent = one_agent()
    campaign = one_of(_("Campaign"), Campaign, "code")
    result = django_filters.ChoiceFilter(
        label=_("Result"), choices=common_results, empty_label=_("all"), method="by_result"
    )
    connected = _yes_no(_("Connected"), "connected")
    sale = _yes_no(_("Sale"), "sale")
    customers = django_filters.ChoiceFilter(
        label=_("One call per customer"), choices=CUSTOMERS, empty_label=_("all calls"), method="by_customers"
    )
    direction = django_filters.ChoiceFilter(label=_("Direction"), choices=Call.Direction.choices, empty_label=_("all"))

    class Meta:
        model = Call
        fields: list[str] = []

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        self.is_recent_only = data is not None and _reads_every_month(data)
        if self.is_recent_only:
            data = data.copy()
            data["since"] = (business_date(database_now()) - timedelta(days=RECENT_DAYS - 1)).isoformat()
        super().__init__(data, *args, **kwargs)

    def by_yes_no(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(**{name: value == "1"})

    def by_customers(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Kept for the end: which call stands for a customer depends on the other filters."""
        return rows

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        rows = super().filter_queryset(queryset)
        wanted = self.form.cleaned_data.get("customers")
        return one_per_customer(rows, wanted) if wanted else rows


def one_per_customer(rows: QuerySet, wanted: str) -> QuerySet:
    """The first call of each customer among those that make the customer reached, won, cancelled or complaining."""
    if wanted == "reached":
        rows = rows.filter(connected=True)
    elif wanted in ("won", "cancelled"):
        rows = rows.filter(sale=True)
    elif wanted == "complained":
        rows = rows.filter(complaint=True)
    if wanted == "cancelled":
        rows = rows.filter(Exists(Order.objects.filter(call_id=OuterRef("pk"), state=Order.State.CANCELLED)))
    first = rows.order_by("customer_id", "started_at", "pk").distinct("customer_id").values("pk")
    return rows.filter(pk__in=first)


class OrderFilter(FactFilter):
    number = django_filters.CharFilter(
        label=_("Order"),
        field_name="number",
        lookup_expr="iexact",
        widget=forms.TextInput(attrs={"type": "search", "size": 12}),
    )
    since = FromDayFilter(label=_("Sold from"), field_name="call_started_at")
    until = ToDayFilter(label=_("Sold to"), field_name="call_started_at")
    state = django_filters.ChoiceFilter(label=_("State"), choices=Order.State.choices, empty_label=_("all"))
    city = one_of(_("City"), City, "name")
    team = one_of(_("Team"), Team, "code")
    agent = one_agent()
    campaign = one_of(_("Campaign"), Campaign, "code")

    class Meta:
        model = Order
        fields: list[str] = []
