"""Segments in the browser: the list, the builder with its count, one segment with its customers, the value grid."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib import messages
from django.core.paginator import EmptyPage, Page, PageNotAnInteger, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from pyroaring import BitMap

from core.calendar import business_date
from core.clock import database_now
from core.errors import DomainError
from core.htmx import is_htmx
from core.jobs.panel import job_panel
from core.listing import Column, Listing
from core.models import Job
from core.numbers import number_or_none
from customers import rules, segment_builder as builder
from customers.conditions import BadConditions, matching, parse
from customers.counting import count_quickly
from customers.doors import two_persons_of_segment
from customers.filters import SegmentFilter
from customers.members import Members, among, ids_of
from customers.models import ContactRule, Customer, LeadList, Segment
from customers.queries import for_list
from customers.segment_forms import GridForm, SegmentForm
from customers.services import segments as services
from customers.views.contact_rules import in_words
from customers.views.persons import COLUMNS as CUSTOMER_COLUMNS
from people.access import must
from people.models import City, User

COLUMNS = [
    Column("name", gettext_lazy("Name"), width=28),
    Column("city", gettext_lazy("City"), value=lambda row: row.city.label if row.city else _("whole region"), sort="city__name"),
    Column("count", gettext_lazy("Customers"), num=True, kind="number"),
    Column("target", gettext_lazy("Target"), num=True, kind="number"),
    Column("counted_at", gettext_lazy("Counted"), kind="moment"),
    Column("refresh", gettext_lazy("Counted anew"), value="get_refresh_display", sort="refresh"),
    Column("tag", gettext_lazy("Tag"), value=lambda row: str(row.tag or ""), sort="tag__name"),
    Column("owner", gettext_lazy("Owner"), value=lambda row: str(row.owner), sort="owner__display_name"),
]  # fmt: skip
SHOWN_COLUMNS = [column for column in CUSTOMER_COLUMNS if column.name in ("name", "number", "city", "type", "source")]


@require_GET
def segments(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_segments(request.user))
    rows = Segment.objects.visible_to(request.user).select_related("city", "owner", "tag")
    listing = Listing(
        request, rows, COLUMNS, name="customers.segments", title=_("Segments"), filterset=SegmentFilter, order="name",
        row_link=lambda row: reverse("customers:segment", args=[row.pk]),
        empty_title=_("No segment yet."), empty_text=_("Build one from conditions, or make the four of the value grid at once."),
    )  # fmt: skip
    return listing.page_or_export("customers/segments.html", {"may_change": rules.can_change_segments(request.user)})


def segment_or_404(request: HttpRequest, pk: int) -> Segment:
    rows = Segment.objects.visible_to(request.user).select_related("city", "owner", "tag")
    return get_object_or_404(rows, pk=pk)


# ---------------------------------------------------------------- one segment and its customers


class MembersListing(Listing):
    """Pages through a bitmap."""

    ids: BitMap = BitMap()

    def exported_rows(self) -> QuerySet[Customer]:
        """Whom the pages show."""
        return for_list(among(Customer.objects.visible_to(self.request.user), self.ids)).order_by("pk")

    @cached_property
    def page(self) -> Page:
        paginator = Paginator(Members(self.ids, self.request.user), self.page_size)
        paginator.is_capped = False  # type: ignore[attr-defined]
        try:
            return paginator.page(self.request.GET.get(self.page_param, 1))
        except PageNotAnInteger:
            return paginator.page(1)
        except EmptyPage:
            return paginator.page(paginator.num_pages)


def _unsortable(column: Column) -> Column:
    return Column(column.name, column.label, value=column.value, sort="", template=column.template)


@never_cache
@require_GET
def segment(request: HttpRequest, pk: int) -> HttpResponseBase:
    must(request, rules.can_see_segments(request.user))
    row = segment_or_404(request, pk)
    listing = MembersListing(
        request, Customer.objects.none(), [_unsortable(column) for column in SHOWN_COLUMNS], name="customers.members", title=row.name,
        may_export=rules.can_export_customers(request.user), door=two_persons_of_segment(row),
        row_link=lambda customer: reverse("customers:customer", args=[customer.pk]),
        empty_title=_("Nobody meets the conditions.") if row.counted_at else _("Not counted yet."),
        empty_text=_("The customers are shown as soon as they are counted.") if not row.counted_at else "",
    )  # fmt: skip
    listing.ids = ids_of(row)
    job = Job.objects.filter(pk=row.job_id).first() if row.job_id else None
    context = {
        "segment": row,
        "said": _said(row, request.user),
        "may_change": rules.can_change_segments(request.user) and row.archived_at is None,
        "contact_rules": _contact_rules(row, request.user),
        "panel": _panel(request, row, job) if job is not None and job.state != Job.State.DONE else None,
        "crumbs": [(_("Segments"), reverse("customers:segments"))],
    }
    return listing.page_or_export("customers/segments_detail.html", context)


def _contact_rules(row: Segment, user: User) -> list[dict[str, Any]]:
    """The rules that hold for its customers alone, in words; nothing for who may not read rules."""
    if not rules.can_see_rules(user):
        return []
    found = ContactRule.objects.visible_to(user).in_force(business_date(database_now())).filter(segment=row)
    return [{"rule": rule, "words": in_words(rule)} for rule in found.select_related("pack").order_by("key", "pk")]


def _said(row: Segment, user: User) -> Any:
    try:
        return builder.in_words(parse(row.conditions, user=None), user)
    except BadConditions as bad:
        return builder.Said(str(bad))


def _panel(request: HttpRequest, row: Segment, job: Job) -> Any:
    url = reverse("customers:segment-progress", args=[row.pk])
    return job_panel(job, at=database_now(), user=request.user, poll_url=url, reload=True)


@never_cache
@require_GET
def segment_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel of the job at work; when it has ended the whole page is loaded anew."""
    must(request, rules.can_see_segments(request.user))
    row = segment_or_404(request, pk)
    job = get_object_or_404(Job, pk=row.job_id or 0)
    if job.is_open:
        return render(request, "core/_job.html", {"panel": _panel(request, row, job)})
    return HttpResponse(headers={"HX-Refresh": "true"})


@require_POST
def segment_refresh(request: HttpRequest, pk: int) -> HttpResponse:
    return _verb(request, pk, services.ask_refresh, _("The segment is being counted."))


@require_POST
def segment_archive(request: HttpRequest, pk: int) -> HttpResponse:
    return _verb(request, pk, services.archive_segment, _("The segment is archived; its customers are forgotten."))


def _verb(request: HttpRequest, pk: int, verb: Any, done: str) -> HttpResponse:
    row = segment_or_404(request, pk)
    must(request, rules.can_change_segments(request.user))
    try:
        verb(segment=row, by=request.user, at=database_now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("customers:segment", pk=row.pk)


# ---------------------------------------------------------------- the builder


@require_http_methods(["GET", "POST"])
def segment_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_change_segments(request.user))
    return _build(request, None)


@require_http_methods(["GET", "POST"])
def segment_edit(request: HttpRequest, pk: int) -> HttpResponse:
    row = segment_or_404(request, pk)
    must(request, rules.can_change_segments(request.user))
    if row.archived_at:
        messages.error(request, _("This segment is archived."))
        return redirect("customers:segment", pk=row.pk)
    return _build(request, row)


def _build(request: HttpRequest, row: Segment | None) -> HttpResponse:
    """Draw the builder, change it by a button, or save. A button that changes the tree draws it again and checks nothing."""
    if request.method == "GET":
        draft = row.conditions if row else builder.new_draft()
        return _page(request, row, draft, SegmentForm(user=request.user, segment=row))
    draft = builder.draft_of(request.POST)
    do = request.POST.get("do", "save")
    if do != "save":
        draft = builder.changed(draft, do)
        if is_htmx(request):
            answer = render(request, "customers/_segment_builder.html", _drawn(request, draft))
            answer.headers["HX-Trigger"] = "recount"
            return answer
        return _page(request, row, draft, _as_it_stands(request, row))
    return _save(request, row, draft)


def _as_it_stands(request: HttpRequest, row: Segment | None) -> SegmentForm:
    """The other fields as they were written, unchecked."""
    form = SegmentForm(user=request.user, segment=row)
    form.initial = {**form.initial, **{name: request.POST.get(name, "") for name in form.fields}}
    return form


def _save(request: HttpRequest, row: Segment | None, draft: Any) -> HttpResponse:
    form = SegmentForm(request.POST, user=request.user, segment=row)
    faults: list[Any] = []
    if form.is_valid():
        told, at = form.told(draft), database_now()
        try:
            if row is None:
                row = services.create_segment(told=told, city=form.cleaned_data["city"], by=request.user, at=at)
            else:
                services.change_segment(segment=row, told=told, by=request.user, at=at)
        except BadConditions as bad:
            faults = bad.faults
            form.add_error(None, _("The conditions are not finished."))
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The segment is saved."))
            return redirect("customers:segment", pk=row.pk)
    return _page(request, row, draft, form, faults=faults, status=422)


def _page(
    request: HttpRequest, row: Segment | None, draft: Any, form: Any, *, faults: Any = None, status: int = 200
) -> HttpResponse:
    context = {
        "segment": row,
        "form": form,
        "title": row.name if row else _("New segment"),
        "crumbs": [(_("Segments"), reverse("customers:segments"))],
        "back_url": reverse("customers:segment", args=[row.pk]) if row else reverse("customers:segments"),
        **_drawn(request, draft, faults),
        **_counted(request, draft, row.city if row else None),
    }
    return render(request, "customers/segments_form.html", context, status=status)


def _drawn(request: HttpRequest, draft: Any, faults: Any = None) -> dict[str, Any]:
    mappings = LeadList.objects.visible_to(request.user).order_by("-pk").values_list("mapping", flat=True)[:50]
    return {
        "root": builder.Drawing(request.user, faults).draw(draft),
        "attributes": builder.attribute_names(iter(mappings)),
    }


@never_cache
@require_POST
def segment_count(request: HttpRequest) -> HttpResponse:
    """How many customers the conditions of the form meet, and some of them. What is not finished yet is told, not refused."""
    must(request, rules.can_change_segments(request.user))
    chosen = number_or_none(request.POST.get("city", ""))
    city = City.objects.visible_to(request.user).filter(pk=chosen).first() if chosen is not None else None
    context = _counted(request, builder.draft_of(request.POST), city)
    return render(request, "customers/_segment_count.html", context)


def _counted(request: HttpRequest, draft: Any, city: City | None) -> dict[str, Any]:
    """Cut to what the user sees, whatever place was named."""
    try:
        tree = parse(draft, user=request.user)
    except BadConditions as bad:
        return {"unfinished": [str(fault) for fault in bad.faults]}
    rows = matching(tree, at=database_now(), city_id=city.pk if city else None, user=request.user)
    count = count_quickly(rows)
    shown = for_list(Customer.objects.visible_to(request.user).filter(pk__in=count.ids)).order_by("pk")
    return {"count": count, "shown": list(shown)}


# ---------------------------------------------------------------- the value grid


@require_http_methods(["GET", "POST"])
def segment_grid(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_change_segments(request.user))
    form = GridForm(request.POST or None, user=request.user)
    if form.is_valid():
        try:
            services.create_value_grid(**form.told(), by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The four segments are made and being counted."))
            return redirect("customers:segments")
    context = {
        "form": form,
        "attributes": _drawn(request, builder.new_draft())["attributes"],
        "crumbs": [(_("Segments"), reverse("customers:segments"))],
        "back_url": reverse("customers:segments"),
    }
    return render(request, "customers/segments_grid.html", context, status=422 if form.errors else 200)
