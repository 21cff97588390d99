"""Pages of the hourly bulletin, and the line by which the floor and the desks learn of it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from campaigns.rules import can_work_desk
from core.calendar import business_date
from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from core.numbers import number_or_none
from metrics.floor.rules import can_see_floor
from people.access import must
from people.models import Membership, User
from qa import limits, rules
from qa.forms_bulletins import BulletinForm, ComposeForm, SuggestionForm
from qa.models import Bulletin, Suggestion
from qa.models.forms import in_language
from qa.queries_bulletins import bulletins_shown
from qa.services import bulletins as services
from qa.views.forms import first_fault
from qa.views.recordings import recording_of

PAGE = 50


@never_cache
@require_GET
def bulletins(request: HttpRequest) -> HttpResponse:
    return render(request, "qa/bulletins.html", _list(request))


def _list(request: HttpRequest) -> dict[str, Any]:
    must(request, rules.can_see_runs(request.user))
    rows = bulletins_shown(request.user).order_by("-hour", "-pk")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return {
        "page": page,
        "compose_form": ComposeForm(user=request.user) if rules.can_write_bulletins(request.user) else None,
    }


@require_POST
def compose(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_write_bulletins(request.user))
    form = ComposeForm(request.POST, user=request.user)
    try:
        if not form.is_valid():
            raise services.NotComposed(first_fault(form))
        made = services.compose(campaign=form.cleaned_data["campaign"], by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        return render(request, "qa/bulletins.html", {**_list(request), "fault_said": str(refusal)}, status=409)
    return redirect("qa:bulletin", pk=made.pk)


def _bulletin(request: HttpRequest, pk: int) -> Bulletin:
    must(request, rules.can_see_runs(request.user))
    rows = Bulletin.objects.visible_to(request.user).select_related("campaign", "composed_by", "sent_by")
    return get_object_or_404(rows, pk=pk)


@never_cache
@require_GET
def bulletin(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "qa/bulletin.html", _page(request, _bulletin(request, pk)))


def _page(request: HttpRequest, row: Bulletin) -> dict[str, Any]:
    may_write = row.sent_at is None and rules.can_write_bulletin(request.user, row.campaign)
    kept = {"text": row.text, "keep": [told["id"] for told in row.suggestions]}
    return {
        "bulletin": row,
        "told": as_shown(row),
        "form": BulletinForm(heard=_heard(row), initial=kept) if may_write else None,
        "seen_count": row.seen.count(),
        "agent_count": _agents_of(row) if row.sent_at else 0,
        "crumbs": [(_("Bulletins"), reverse("qa:bulletins"))],
    }


def _agents_of(row: Bulletin) -> int:
    """Agents of the campaign's teams on the day it was sent."""
    teams = row.campaign.team_links.values("team")
    held = Membership.objects.valid_on(business_date(row.hour)).filter(role=Membership.Role.AGENT, team__in=teams)
    return held.values("user").distinct().count()


def _heard(row: Bulletin) -> list[Suggestion]:
    return list(services.heard_today(row.campaign_id, row.hour)[: services.MOST_SUGGESTIONS])


def as_shown(row: Bulletin) -> dict[str, Any]:
    """A bulletin with its words, from what was frozen alone."""
    figures, kinds = row.figures, dict(Suggestion.Kind.choices)
    return {
        "bulletin": row,
        "counts": figures["counts"],
        "hours": figures["hours"],
        "scored": figures["scored"],
        "phrase": figures["phrase"],
        "indicators": [
            {**line, "label": limits.label(line["indicator"]), "percent": _percent(line)}
            for line in figures["indicators"]
        ],
        "errors": [{**line, "label": in_language(line["item"], line["item_zh"])} for line in figures["errors"]],
        "suggestions": [{**told, "label": kinds.get(told["kind"], "")} for told in row.suggestions],
    }


def _percent(line: dict[str, Any]) -> float | None:
    return 100 * line["numerator"] / line["denominator"] if line["denominator"] else None


@require_POST
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    row = _bulletin(request, pk)
    form = BulletinForm(request.POST, heard=_heard(row))
    try:
        if not form.is_valid():
            raise services.NotComposed(first_fault(form))
        said = form.cleaned_data
        services.edit(bulletin=row, text=said["text"], keep=said.get("keep") or [], by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        shown = {**_page(request, row), "fault_said": str(refusal)}
        return render(request, "qa/bulletin.html", {**shown, "form": shown["form"] and form}, status=409)
    messages.success(request, _("Kept. It goes to the floor when you send it."))
    return redirect("qa:bulletin", pk=pk)


@require_POST
def send(request: HttpRequest, pk: int) -> HttpResponse:
    row = _bulletin(request, pk)
    try:
        services.send(bulletin=row, by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        return render(request, "qa/bulletin.html", {**_page(request, row), "fault_said": str(refusal)}, status=409)
    messages.success(request, _("Sent. The floor and the desks of the campaign show it."))
    return redirect("qa:bulletin", pk=pk)


# -- the line on the floor and the desk --------------------------------------------------------------------------------


@never_cache
@require_GET
def desk_line(request: HttpRequest) -> HttpResponse:
    """The newest bulletin of each of the agent's campaigns that they have not seen; empty when there is none."""
    must(request, can_work_desk(request.user))
    return _line(request, _unseen(request.user))


def _unseen(user: User) -> list[Bulletin]:
    return [row for row in Bulletin.objects.for_agent(user, database_now()) if not row.is_seen]


def _line(request: HttpRequest, rows: list[Bulletin], *, is_desk: bool = True) -> HttpResponse:
    ask_url = reverse("qa:bulletin-desk") if is_desk else request.get_full_path()
    context = {"lines": [as_shown(row) for row in rows], "is_desk": is_desk, "ask_url": ask_url}
    return render(request, "qa/_bulletin_lines.html", context)


@require_POST
def seen(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, can_work_desk(request.user))
    services.see(bulletin=get_object_or_404(Bulletin, pk=pk), by=request.user, at=database_now())
    if request.headers.get("HX-Request"):
        return _line(request, _unseen(request.user))
    return redirect("campaigns:desk")


@never_cache
@require_GET
def floor_line(request: HttpRequest) -> HttpResponse:
    """The newest bulletins of the day of the campaigns on this floor, or of the one asked for."""
    must(request, can_see_floor(request.user))
    rows = Bulletin.objects.on_floor(request.user, database_now())
    if (campaign := number_or_none(request.GET.get("campaign", ""))) is not None:
        rows = rows.filter(campaign=campaign)
    return _line(request, list(rows), is_desk=False)


# -- words heard -------------------------------------------------------------------------------------------------------


@require_POST
def suggestion_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Noted at the recording; refused, the words are asked for again."""
    row = recording_of(request, pk)
    must(request, rules.can_suggest(request.user, row))
    form, is_noted = SuggestionForm(request.POST), False
    if form.is_valid():
        said = form.cleaned_data
        try:
            services.suggest(
                recording=row, kind=said["kind"], words=said["words"], at_ms=1000 * said["at_seconds"], by=request.user, at=database_now()
            )  # fmt: skip
        except PermissionRefused:
            raise
        except DomainError as refusal:
            form.add_error("words", str(refusal))
        else:
            is_noted = True
    if is_noted and not request.headers.get("HX-Request"):
        messages.success(request, _("Noted for the bulletin of the day."))
        return redirect("qa:recording", pk=pk)
    context = {"recording": row, "suggestion_form": SuggestionForm() if is_noted else form, "is_noted": is_noted}
    return render(request, "qa/_suggestion.html", context, status=200 if is_noted else 422)
