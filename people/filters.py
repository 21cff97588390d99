"""Filters of people and places, for pages and API alike."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from people.models import City, Membership, Team, User


def _search(size: int = 14) -> forms.TextInput:
    return forms.TextInput(attrs={"type": "search", "size": size})


def _cities(request: Any) -> QuerySet:
    return City.objects.visible_to(request.user).order_by("name") if request else City.objects.none()


def _teams(request: Any) -> QuerySet:
    return Team.objects.visible_to(request.user).order_by("code") if request else Team.objects.none()


class CityFilter(django_filters.FilterSet):
    name = django_filters.CharFilter(label=_("Name"), method="named", widget=_search())
    is_on = django_filters.ChoiceFilter(
        label=_("May be called"), choices=[("1", _("yes")), ("0", _("no"))], empty_label=_("all"), method="switched"
    )

    class Meta:
        model = City
        fields: list[str] = []

    def named(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(Q(name__icontains=value) | Q(name_zh__icontains=value) | Q(code__icontains=value))

    def switched(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(is_on=value == "1")


class TeamFilter(django_filters.FilterSet):
    name = django_filters.CharFilter(label=_("Name"), method="named", widget=_search())
    city = django_filters.ModelChoiceFilter(label=_("City"), queryset=_cities, empty_label=_("all"))
    is_active = django_filters.ChoiceFilter(
        label=_("Works still"), choices=[("1", _("yes")), ("0", _("no"))], empty_label=_("all"), method="working"
    )

    class Meta:
        model = Team
        fields: list[str] = []

    def named(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(Q(name__icontains=value) | Q(code__icontains=value))

    def working(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(is_active=value == "1")


class PersonFilter(django_filters.FilterSet):
    name = django_filters.CharFilter(label=_("Name"), method="named", widget=_search())
    role = django_filters.ChoiceFilter(
        label=_("Role"), choices=Membership.Role.choices, empty_label=_("all"), method="with_role"
    )
    team = django_filters.ModelChoiceFilter(label=_("Team"), queryset=_teams, empty_label=_("all"), method="in_team")
    is_active = django_filters.ChoiceFilter(
        label=_("Account"), choices=[("1", _("open")), ("0", _("closed"))], empty_label=_("all"), method="open_account"
    )

    class Meta:
        model = User
        fields: list[str] = []

    def named(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(Q(display_name__icontains=value) | Q(username__icontains=value) | Q(code__iexact=value))

    def with_role(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(pk__in=Membership.objects.valid_on(timezone.localdate()).filter(role=value).values("user"))

    def in_team(self, rows: QuerySet, name: str, value: Team) -> QuerySet:
        return rows.filter(pk__in=Membership.objects.valid_on(timezone.localdate()).filter(team=value).values("user"))

    def open_account(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(is_active=value == "1")
