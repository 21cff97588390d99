"""The region, its cities and teams."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.clock import database_now
from core.errors import DomainError
from core.listing import Column, Listing
from people import rules
from people.access import must
from people.filters import CityFilter, TeamFilter
from people.forms import CityForm, RegionForm, TeamChangeForm, TeamForm
from people.models import City, Membership, Team
from people.services import places

CITY_COLUMNS = [
    Column("code", gettext_lazy("Code")),
    Column("name", gettext_lazy("Name"), value="label", sort="name"),
    Column("zone", gettext_lazy("Time zone"), value="zone.name", sort="zone__name"),
    Column("teams", gettext_lazy("Teams"), value="team_count", sort="team_count", num=True),
    Column("is_on", gettext_lazy("May be called"), template="people/_city_switch.html"),
]

TEAM_COLUMNS = [
    Column("code", gettext_lazy("Code")),
    Column("name", gettext_lazy("Name")),
    Column(
        "city",
        gettext_lazy("City"),
        value=lambda team: team.city.label if team.city else _("regional"),
        sort="city__name",
    ),
    Column("agents", gettext_lazy("Agents"), value="agent_count", sort="agent_count", num=True),
    Column("is_active", gettext_lazy("Works still")),
]


@require_GET
def cities(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_people(request.user))
    rows = City.objects.visible_to(request.user).select_related("zone").annotate(team_count=Count("teams"))
    may_edit = rules.can_manage_places(request.user)
    listing = Listing(
        request, rows, CITY_COLUMNS, name="people.cities", title=_("Cities"), filterset=CityFilter, order="name",
        row_link=(lambda city: reverse("people:city", args=[city.pk])) if may_edit else None,
    )  # fmt: skip
    return listing.page_or_export("people/cities.html", {"may_edit": may_edit})


@require_http_methods(["GET", "POST"])
def region(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_manage_places(request.user))
    form = RegionForm(request.POST or None, instance=places.the_region())
    if form.is_valid():
        places.update_region(**form.cleaned_data, by=request.user, at=database_now())
        messages.success(request, _("The region is changed."))
        return redirect("people:cities")
    return _form_page(request, form, _("Region"), "people:cities", _("Cities"))


@require_http_methods(["GET", "POST"])
def city_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_manage_places(request.user))
    form = CityForm(request.POST or None)
    if form.is_valid():
        try:
            city = places.create_city(**form.cleaned_data, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("%(city)s is entered.") % {"city": city})
            return redirect("people:cities")
    return _form_page(request, form, _("New city"), "people:cities", _("Cities"))


@require_http_methods(["GET", "POST"])
def city(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_manage_places(request.user))
    row = get_object_or_404(City.objects.visible_to(request.user).select_related("zone"), pk=pk)
    initial = {"code": row.code, "name": row.name, "name_zh": row.name_zh, "zone": row.zone.name if row.zone else ""}
    form = CityForm(request.POST or None, initial=initial)
    if form.is_valid():
        try:
            places.update_city(city=row, **form.cleaned_data, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("%(city)s is changed.") % {"city": row})
            return redirect("people:cities")
    return _form_page(request, form, str(row), "people:cities", _("Cities"), city=row, template="people/city.html")


@require_POST
def city_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop or start all calling into a city; the page asks before."""
    must(request, rules.can_manage_places(request.user))
    row = get_object_or_404(City.objects.visible_to(request.user), pk=pk)
    row = places.switch_city(city=row, is_on=request.POST.get("is_on") == "1", by=request.user, at=database_now())
    if row.is_on:
        messages.success(request, _("%(city)s may be called again.") % {"city": row})
    else:
        messages.warning(request, _("Nobody in %(city)s is called from now on.") % {"city": row})
    return redirect("people:city", pk=row.pk)


@require_GET
def teams(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_people(request.user))
    today = timezone.localdate()
    valid = Q(memberships__valid_from__lte=today) & (Q(memberships__valid_to=None) | Q(memberships__valid_to__gt=today))
    agents = Count("memberships", filter=valid & Q(memberships__role=Membership.Role.AGENT))
    rows = Team.objects.visible_to(request.user).select_related("city").annotate(agent_count=agents)
    may_edit = rules.can_manage_places(request.user)
    listing = Listing(
        request, rows, TEAM_COLUMNS, name="people.teams", title=_("Teams"), filterset=TeamFilter, order="code",
        row_link=(lambda team: reverse("people:team", args=[team.pk])) if may_edit else None,
    )  # fmt: skip
    return listing.page_or_export("people/teams.html", {"may_edit": may_edit})


@require_http_methods(["GET", "POST"])
def team_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_manage_places(request.user))
    form = TeamForm(request.POST or None)
    if form.is_valid():
        try:
            row = places.create_team(**form.cleaned_data, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Team %(team)s is entered.") % {"team": row})
            return redirect("people:teams")
    return _form_page(request, form, _("New team"), "people:teams", _("Teams"))


@require_http_methods(["GET", "POST"])
def team(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_manage_places(request.user))
    row = get_object_or_404(Team.objects.visible_to(request.user), pk=pk)
    initial = {"code": row.code, "name": row.name, "is_active": row.is_active}
    form = TeamChangeForm(request.POST or None, initial=initial)
    if form.is_valid():
        try:
            places.update_team(team=row, **form.cleaned_data, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Team %(team)s is changed.") % {"team": row})
            return redirect("people:teams")
    return _form_page(request, form, str(row), "people:teams", _("Teams"))


def _form_page(
    request: HttpRequest,
    form: Any,
    title: str,
    back: str,
    back_label: str,
    template: str = "people/form.html",
    **context: Any,
) -> HttpResponse:
    back_url = reverse(back)
    context |= {"form": form, "title": title, "crumbs": [(back_label, back_url)], "back_url": back_url}
    return render(request, template, context, status=422 if form.errors else 200)
