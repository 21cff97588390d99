"""Pages of wrap-ups: which there are and which are due, one of them, its words, its end, and its files."""

from __future__ import annotations

import io
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from campaigns.models import Campaign
from core.audit import audit
from core.calendar import business_date
from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from core.files import attachment
from core.workbooks import XLSX_TYPE
from people.access import must
from people.models import User
from people.scopes import scope_in
from qa import rules, wrap_up_files, wrap_up_page
from qa.models import WrapUp
from qa.services import wrap_ups as services
from qa.services.full_run import OVER
from qa.views.forms import first_fault

PAGE, MOST_DUE, MOST_LEARNT = 50, 20, 5


class WordsForm(forms.Form):
    keep = forms.CharField(
        label=gettext_lazy("What to keep"), max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    change = forms.CharField(
        label=gettext_lazy("What to change"), max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("The report leaves the house: write no numbers and no names of customers."),
    )  # fmt: skip


@never_cache
@require_GET
def wrap_ups(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_wrap_ups(request.user))
    rows = WrapUp.objects.visible_to(request.user).select_related("campaign__city", "campaign__product", "finished_by")
    page = Paginator(rows.order_by("-made_at", "-pk"), PAGE).get_page(request.GET.get("page"))
    return render(request, "qa/wrap_ups.html", {"page": page, "due": _due(request.user)})


def _due(user: User) -> list[Campaign]:
    """Campaigns at their end that the user may wrap up and nobody has."""
    if not user.has_role(*rules.MONITORS):
        return []
    scope, today = scope_in(user, rules.MONITORS), business_date(database_now())
    over = Q(stage__in=OVER) | Q(ends_on__lt=today)
    rows = Campaign.objects.visible_to(user).filter(over, wrap_up=None).exclude(stage__in=services.NOT_CALLED)
    rows = rows.exclude(stage=Campaign.Stage.HISTORY)
    own = rows if scope.is_region else rows.filter(city__in=scope.city_ids)
    return list(own.order_by("-ends_on", "-pk")[:MOST_DUE])


def _crumbs() -> list[tuple[str, str]]:
    return [(_("Wrap-ups"), reverse("qa:wrap-ups"))]


def _row(request: HttpRequest, pk: int) -> WrapUp:
    must(request, rules.can_see_wrap_ups(request.user))
    rows = WrapUp.objects.visible_to(request.user).select_related("campaign", "made_by", "finished_by")
    return get_object_or_404(rows, pk=pk)


@never_cache
@require_GET
def wrap_up(request: HttpRequest, pk: int) -> HttpResponse:
    row = _row(request, pk)
    return render(request, "qa/wrap_up.html", _page(request, row))


def _page(request: HttpRequest, row: WrapUp) -> dict[str, Any]:
    may_write = rules.can_wrap_up(request.user, row.campaign) and not row.is_finished
    return {
        "row": row,
        "sections": wrap_up_page.sections(row),
        "state": wrap_up_files.state_words(row),
        "may_write": may_write,
        "is_over": services.is_over(row.campaign, database_now()),
        "is_whole": services.digest_of(row.content, row.keep, row.change) == row.digest,
        "form": WordsForm(initial={"keep": row.keep, "change": row.change}),
        "crumbs": _crumbs(),
    }


@require_POST
def make(request: HttpRequest, pk: int) -> HttpResponse:
    """Of the campaign: the first draft, or anew."""
    must(request, rules.can_see_wrap_ups(request.user))
    campaign = get_object_or_404(Campaign.objects.visible_to(request.user), pk=pk)
    try:
        made = services.make(campaign=campaign, by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("qa:wrap-ups")
    messages.success(request, _("Made. Read it, write what was learnt, then finish it."))
    return redirect("qa:wrap-up", pk=made.pk)


@require_POST
def words(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _row(request, pk), WordsForm(request.POST)
    try:
        if not form.is_valid():
            raise services.WordsNotTaken(first_fault(form))
        services.write(wrap_up=row, by=request.user, at=database_now(), **form.cleaned_data)
    except PermissionRefused:
        raise
    except DomainError as refusal:
        context = {**_page(request, row), "form": form, "fault_said": str(refusal)}
        return render(request, "qa/wrap_up.html", context, status=409)
    messages.success(request, _("The words are kept."))
    return redirect("qa:wrap-up", pk=pk)


@require_POST
def finish(request: HttpRequest, pk: int) -> HttpResponse:
    row = _row(request, pk)
    try:
        services.finish(wrap_up=row, digest=request.POST.get("digest", ""), by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        return render(request, "qa/wrap_up.html", {**_page(request, row), "fault_said": str(refusal)}, status=409)
    messages.success(request, _("Finished. It stays as it is, and the next campaign of the kind finds it."))
    return redirect("qa:wrap-up", pk=pk)


@require_GET
def export(request: HttpRequest, pk: int, suffix: str) -> HttpResponseBase:
    """The report as a file: .html for programs of texts, .xlsx."""
    row = _row(request, pk)
    if suffix not in ("html", "xlsx"):
        raise Http404
    name = f"wrap-up-{row.content['campaign']['code']}.{suffix}"
    audit("qa.wrap_up.exported", row, by=request.user, at=database_now(), format=suffix, digest=row.digest)
    if suffix == "xlsx":
        return attachment(wrap_up_files.workbook(row), name, XLSX_TYPE)
    return attachment(io.BytesIO(wrap_up_files.document(row).encode()), name, "text/html; charset=utf-8")


@never_cache
@require_GET
def of_campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """For the page of a campaign: its wrap-up, and what was learnt from those of its kind. Empty for who sees none."""
    campaign = get_object_or_404(Campaign.objects.visible_to(request.user), pk=pk)
    seen = WrapUp.objects.visible_to(request.user).select_related("campaign")
    own = seen.filter(campaign=campaign).first()
    may_make = rules.can_wrap_up(request.user, campaign) and own is None and campaign.stage not in services.NOT_CALLED
    context = {
        "campaign": campaign,
        "own": own,
        "may_make": may_make and campaign.stage != Campaign.Stage.HISTORY,
        "is_over": services.is_over(campaign, database_now()),
        "learnt": list(seen.of_kind(campaign)[:MOST_LEARNT]) if campaign.stage not in OVER else [],
    }
    return render(request, "qa/_wrap_up_of_campaign.html", context)
