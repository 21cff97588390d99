"""Segments given to campaigns: the form, what came of it, and the campaigns on the page of a segment."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from campaigns import rules
from campaigns.forms_planning import AllocateSegmentForm
from campaigns.models import SegmentAllocation
from campaigns.services.segment_allocation import allocate_segment, check_segment, last_allocation
from campaigns.services.segment_draws import outlook
from campaigns.wording import left_out_words
from core.clock import database_now
from core.errors import DomainError
from core.htmx import refresh
from core.jobs.panel import job_panel
from core.models import Job
from core.numbers import number_or_none
from customers.members import ids_of
from customers.models import Segment
from customers.rules import can_see_segments
from people.access import must


@require_http_methods(["GET", "POST"])
def segment_allocate(request: HttpRequest) -> HttpResponse:
    """Give a segment to a campaign: from the segment's page (?segment=) or the campaign's (?campaign=)."""
    must(request, rules.can_allocate(request.user))
    initial = {name: request.GET.get(name) for name in ("segment", "campaign", "most")}
    initial["order"] = request.GET.get("order") or SegmentAllocation.Order.RANDOM
    form = AllocateSegmentForm(request.POST or None, user=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            return _assign(request, form)
        except DomainError as error:
            form.add_error(None, str(error))
    context = {
        "form": form,
        "crumbs": [(_("Segments"), reverse("customers:segments"))],
        "back_url": reverse("customers:segments"),
    }
    return render(request, "campaigns/segment_allocate.html", context)


def _assign(request: HttpRequest, form: AllocateSegmentForm) -> HttpResponse:
    """Everybody at once; of so many it is shown first what would come of it, and `seen` says that it was."""
    at, told, seen = database_now(), form.cleaned_data, number_or_none(request.POST.get("seen", ""))
    if told["most"] and seen is None:
        return _ask(request, form, at)
    made = allocate_segment(by=request.user, at=at, seen=seen if told["most"] else None, **told)
    if made.at == at:
        messages.success(request, _("The leads are being made; this page counts them."))
    else:
        messages.warning(request, _("This count was assigned before. Count the segment anew to assign who came since."))
    return redirect("campaigns:segment_allocation", pk=made.pk)


def _ask(request: HttpRequest, form: AllocateSegmentForm, at: datetime) -> HttpResponse:
    campaign, segment, most = (form.cleaned_data[name] for name in ("campaign", "segment", "most"))
    check_segment(campaign, segment, most=most)
    last = last_allocation(campaign, segment)
    found = outlook(campaign, segment, ids=ids_of(segment), at=at)
    context = {
        "form": form,
        "campaign": campaign,
        "segment": segment,
        "outlook": found,
        "made": found.made(most),
        "order": SegmentAllocation.Order(form.cleaned_data["order"]).label,
        "left_out": left_out_words(found.left_out),
        "seen": last.pk if last else 0,
        "crumbs": [(_("Segments"), reverse("customers:segments"))],
        "back_url": f"{reverse('campaigns:segment_allocate')}?{urlencode({name: form[name].value() for name in form.fields})}",
    }
    return render(request, "campaigns/segment_allocate_confirm.html", context)


def _allocation_or_404(request: HttpRequest, pk: int) -> SegmentAllocation:
    must(request, rules.can_read_campaigns(request.user) and can_see_segments(request.user))
    seen = SegmentAllocation.objects.visible_to(request.user)
    return get_object_or_404(seen.select_related("campaign", "segment", "by"), pk=pk)


@never_cache
@require_GET
def segment_allocation(request: HttpRequest, pk: int) -> HttpResponse:
    """How many leads were made, and how many customers were left out for which reason. From here the next so many are assigned."""
    row = _allocation_or_404(request, pk)
    again = {"segment": row.segment_id, "campaign": row.campaign_id, "most": row.most, "order": row.order}
    job = Job.objects.filter(pk=row.job_id or 0).first()
    context = {
        "allocation": row,
        "panel": _panel(request, row, job) if job is not None and job.state != Job.State.DONE else None,
        "cells": _cells(row),
        "next_url": f"{reverse('campaigns:segment_allocate')}?{urlencode(again)}" if _has_more(request, row) else "",
        "crumbs": [
            (_("Segments"), reverse("customers:segments")),
            (row.segment.name, reverse("customers:segment", args=[row.segment_id])),
        ],
    }
    return render(request, "campaigns/segment_allocation.html", context)


def _has_more(request: HttpRequest, row: SegmentAllocation) -> bool:
    return bool(row.most) and bool(row.left_out.get("not_drawn")) and rules.can_allocate(request.user)


def _cells(row: SegmentAllocation) -> list[tuple[Any, int]]:
    """(what, how many): the leads, then each reason to leave somebody out, the most frequent first."""
    return [(_("Leads made"), row.lead_count), *left_out_words(row.left_out)]


def _panel(request: HttpRequest, row: SegmentAllocation, job: Job) -> Any:
    url = reverse("campaigns:segment_allocation_progress", args=[row.pk])
    return job_panel(job, at=database_now(), user=request.user, poll_url=url, reload=True)


@never_cache
@require_GET
def segment_allocation_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The fragment asked for each second while the job is at work; loads the page anew at its end."""
    row = _allocation_or_404(request, pk)
    job = get_object_or_404(Job, pk=row.job_id or 0)
    if not job.is_open:
        return refresh()
    return render(request, "core/_job.html", {"panel": _panel(request, row, job), "job": job})


@never_cache
@require_GET
def segment_campaigns(request: HttpRequest, pk: int) -> HttpResponse:
    """A part of the segment's page: which campaigns it was given to."""
    must(request, rules.can_read_campaigns(request.user) and can_see_segments(request.user))
    segment = get_object_or_404(Segment.objects.visible_to(request.user), pk=pk)
    rows = SegmentAllocation.objects.visible_to(request.user).filter(segment=segment)
    context = {"allocations": rows.select_related("campaign", "by").order_by("-at", "-pk")}
    return render(request, "campaigns/segment_campaigns.html", context)
