"""Accounts, roles and teams of people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext as _, gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from rest_framework.authtoken.models import Token

from core.clock import database_now
from core.errors import DomainError
from core.listing import Column, Listing
from people import rules
from people.access import must
from people.filters import PersonFilter
from people.forms import EndForm, MoveForm, PasswordForm, PersonChangeForm, PersonForm, RoleForm
from people.models import Membership, User
from people.services import belonging, persons

COLUMNS = [
    Column("name", gettext_lazy("Name"), value=str, sort="display_name"),
    Column("username", gettext_lazy("User name")),
    Column("code", gettext_lazy("Agent code")),
    Column("roles", gettext_lazy("Roles today"), value=lambda user: _roles_in_words(user), sort="", width=40),
    Column(
        "is_active",
        gettext_lazy("Account"),
        value=lambda user: _("open") if user.is_active else _("closed"),
        sort="is_active",
    ),
    Column("last_login", gettext_lazy("Last signed in"), kind="moment"),
]


def place_of(row: Membership) -> str:
    """Where a role holds, in words."""
    place = row.team or row.city
    return str(place) if place else _("whole region")


def _roles_in_words(user: User) -> str:
    return ", ".join(f"{row.get_role_display()} ({place_of(row)})" for row in user.roles_today)  # type: ignore[attr-defined]


@require_GET
def users(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_people(request.user))
    today = Membership.objects.valid_on(timezone.localdate()).select_related("team__city", "city").order_by("pk")
    rows = User.objects.visible_to(request.user).prefetch_related(Prefetch("memberships", today, to_attr="roles_today"))
    listing = Listing(
        request, rows, COLUMNS, name="people.users", title=_("People"), filterset=PersonFilter, order="display_name",
        row_link=lambda user: reverse("people:user", args=[user.pk]),
    )  # fmt: skip
    return listing.page_or_export("people/users.html", {"may_edit": rules.can_manage_people(request.user)})


@require_http_methods(["GET", "POST"])
def user_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_manage_people(request.user))
    form = PersonForm(request.POST or None, initial={"valid_from": timezone.localdate(), "language": get_language()})
    if form.is_valid():
        try:
            person = persons.create_person(**form.cleaned_data, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("%(name)s has an account now.") % {"name": person})
            return redirect("people:user", pk=person.pk)
    context = {
        "form": form,
        "title": _("New person"),
        "crumbs": [(_("People"), reverse("people:users"))],
        "back_url": reverse("people:users"),
    }
    return render(request, "people/form.html", context, status=422 if form.errors else 200)


def _person_or_404(request: HttpRequest, pk: int) -> User:
    return get_object_or_404(User.objects.visible_to(request.user), pk=pk)


@require_GET
def user(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_see_people(request.user))
    return _page(request, _person_or_404(request, pk))


def _page(request: HttpRequest, person: User, **bound: forms.Form) -> HttpResponse:
    today = timezone.localdate()
    initial = {"display_name": person.display_name, "code": person.code, "language": person.language}
    context: dict[str, Any] = {
        "person": person,
        "memberships": person.memberships.visible_to(request.user)
        .select_related("team__city", "city")
        .order_by("-valid_from", "-pk"),
        "today": today,
        "agent_team": person.team_at(timezone.now()),
        "has_token": Token.objects.filter(user=person).exists(),
        "may_edit": rules.can_manage_people(request.user),
        "form": PersonChangeForm(initial=initial),
        "role_form": RoleForm(initial={"valid_from": today}, prefix="role"),
        "move_form": MoveForm(initial={"valid_from": today}, prefix="move"),
        "password_form": PasswordForm(prefix="password"),
        "end_form": EndForm(initial={"valid_to": today}),
        "crumbs": [(_("People"), reverse("people:users"))],
    }
    context |= bound
    return render(request, "people/user.html", context, status=422 if bound else 200)


def _verb(
    request: HttpRequest, pk: int, name: str, form: forms.Form, done: str, verb: Callable[..., Any]
) -> HttpResponse:
    """One form of the page: its verb, the sentence that it is done, or the page again with the fault in the form."""
    must(request, rules.can_manage_people(request.user))
    person = _person_or_404(request, pk)
    if form.is_valid():
        try:
            verb(user=person, **form.cleaned_data, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, done % {"name": person})
            return redirect("people:user", pk=person.pk)
    return _page(request, person, **{name: form})


@require_POST
def user_change(request: HttpRequest, pk: int) -> HttpResponse:
    return _verb(request, pk, "form", PersonChangeForm(request.POST), _("%(name)s is changed."), persons.update_person)


@require_POST
def user_role(request: HttpRequest, pk: int) -> HttpResponse:
    form = RoleForm(request.POST, prefix="role")
    return _verb(request, pk, "role_form", form, _("%(name)s has the role."), belonging.give_role)


@require_POST
def user_move(request: HttpRequest, pk: int) -> HttpResponse:
    form = MoveForm(request.POST, prefix="move")
    return _verb(
        request,
        pk,
        "move_form",
        form,
        _("%(name)s changes team; calls made before stay with the old one."),
        belonging.change_team,
    )


@require_POST
def user_password(request: HttpRequest, pk: int) -> HttpResponse:
    form = PasswordForm(request.POST, prefix="password")
    return _verb(
        request,
        pk,
        "password_form",
        form,
        _("%(name)s has a new password, and a lock is lifted."),
        persons.reset_password,
    )


@require_POST
def role_end(request: HttpRequest, pk: int, membership: int) -> HttpResponse:
    must(request, rules.can_manage_people(request.user))
    person = _person_or_404(request, pk)
    row = get_object_or_404(person.memberships, pk=membership)
    form = EndForm(request.POST)
    if form.is_valid():
        _say(
            request,
            _("The role ends."),
            lambda: belonging.end_role(membership=row, **form.cleaned_data, by=request.user, at=database_now()),
        )
    else:
        messages.error(request, _("Name the day until which the role holds."))
    return redirect("people:user", pk=person.pk)


@require_POST
def user_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Close or open the account."""
    must(request, rules.can_manage_people(request.user))
    person = _person_or_404(request, pk)
    verb = persons.open_account if request.POST.get("open") == "1" else persons.close_account
    done = (
        _("The account is open again.")
        if request.POST.get("open") == "1"
        else _("The account is closed; what was done with it stays.")
    )
    _say(request, done, lambda: verb(user=person, by=request.user, at=database_now()))
    return redirect("people:user", pk=person.pk)


@require_POST
def user_token(request: HttpRequest, pk: int) -> HttpResponse:
    """A fresh token is shown in the answer itself and never again."""
    must(request, rules.can_manage_people(request.user))
    person = _person_or_404(request, pk)
    if request.POST.get("revoke") == "1":
        persons.revoke_token(user=person, by=request.user, at=database_now())
        messages.success(request, _("The token is void."))
        return redirect("people:user", pk=person.pk)
    token = persons.make_token(user=person, by=request.user, at=database_now())
    answer = render(
        request,
        "people/token.html",
        {
            "person": person,
            "token": token,
            "crumbs": [(_("People"), reverse("people:users")), (str(person), reverse("people:user", args=[person.pk]))],
        },
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _say(request: HttpRequest, done: str, verb: Callable[[], Any]) -> None:
    try:
        verb()
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)


@require_GET
def roles(request: HttpRequest) -> HttpResponse:
    """Which roles there are, what each covers, and how many hold it today."""
    must(request, rules.can_see_people(request.user))
    today = Membership.objects.visible_to(request.user).valid_on(timezone.localdate()).filter(user__is_active=True)
    held: dict[str, int] = {}
    for role in today.values_list("role", "user").distinct():
        held[role[0]] = held.get(role[0], 0) + 1
    rows = [(value, label, PLACES[value], DOES[value], held.get(value, 0)) for value, label in Membership.Role.choices]
    return render(request, "people/roles.html", {"rows": rows, "crumbs": [(_("People"), reverse("people:users"))]})


_TEAM, _CITY, _REGION, _ANY = (
    gettext_lazy("a team"),
    gettext_lazy("a city"),
    gettext_lazy("the whole region"),
    gettext_lazy("a team, a city or the region"),
)
PLACES = {
    "agent": _TEAM,
    "team_leader": _TEAM,
    "city_manager": _CITY,
    "regional_manager": _REGION,
    "administrator": _REGION,
    "supervisor": _ANY,
    "data": _ANY,
    "campaign_manager": _ANY,
    "qa": _ANY,
    "trainer": _ANY,
}
DOES = {
    "agent": gettext_lazy("Calls one lead after another and records each result."),
    "team_leader": gettext_lazy("Watches the own team through the day, and coaches."),
    "supervisor": gettext_lazy("Watches the floor, reassigns, handles wishes not to be called."),
    "data": gettext_lazy("Receives lead lists, checks and commits them, keeps sources and suppressions."),
    "campaign_manager": gettext_lazy("Plans campaigns, their products and scripts, and runs them."),
    "qa": gettext_lazy("Reviews scripts, scores calls, clears complaints."),
    "trainer": gettext_lazy("Courses and exams; reads scripts and indicators."),
    "city_manager": gettext_lazy("Sees the own city, and its people."),
    "regional_manager": gettext_lazy("Compares cities, sets rules of contact."),
    "administrator": gettext_lazy("People, roles, places, rules, audit trail."),
}
