"""Customers: the list, one of them, and what people do there by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _, gettext_lazy, pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from core.audit import audit_refusal
from core.calendar import business_date
from core.clock import database_now
from core.errors import DomainError
from core.listing import Column, Listing
from core.phones import holds_number
from core.templatetags.look import moment, thousands
from customers import rules
from customers.doors import two_persons_of_segment
from customers.filters import CustomerFilter
from customers.members import count_among, ids_of
from customers.models import Contact, Customer, GreyEntry, RulePack, Segment
from customers.person_forms import ConsentForm, GreyForm, NumberForm, QuietTimeForm, RevealForm, SuppressForm, TagForm
from customers.queries import customers_by_name, for_list, members_by_name, merges_of, was_erased
from customers.request_forms import RequestForm
from customers.services import contacts, greylist, persons, quiet_times
from customers.services.packs import DEFAULT_PACK
from customers.services.persons import QuotaUsedUp
from people.access import must
from people.exports import two_persons

CONTACTS_SHOWN = 20
# of the customers of a segment who fit the filters: a count of millions would take longer than the page
FIT_COUNTED = 10_000

COLUMNS = [
    Column("name", gettext_lazy("Name"), value=str, sort="name_sort"),
    Column("number", gettext_lazy("Number"), value=lambda customer: _first_mask(customer), sort=""),
    Column("city", gettext_lazy("City"), value="city.label", sort=""),
    Column("type", gettext_lazy("Type"), value="get_type_display", sort=""),
    Column("source", gettext_lazy("Source"), value="source.name", sort=""),
    Column(
        "tags",
        gettext_lazy("Tags"),
        template="customers/_tags.html",
        value=lambda customer: customer.shown_tags,
        export=lambda customer: ", ".join(link.tag.name for link in customer.shown_tags),
        sort="",
    ),
    Column(
        "is_suppressed",
        pgettext_lazy("may be made", "Calls"),
        template="customers/_may_call.html",
        export=lambda customer: _("do not call") if customer.is_suppressed else "",
        sort="",
    ),
]


def _first_mask(customer: Customer) -> str:
    phones = customer.first_phones  # type: ignore[attr-defined]
    return phones[0].mask if phones else ""


class CustomerListing(Listing):
    """The order by name comes from one sorted read per city (customers.queries), so no other column can be sorted by."""

    @cached_property
    def queryset(self) -> Any:
        form = self.filterset.form
        chosen = form.cleaned_data if form.is_valid() else {}
        if (members := self._by_the_names_of_all(chosen)) is not None:
            return members
        return customers_by_name(
            rows=self.filterset.qs if form.is_valid() else self._queryset.none(),
            user=self.request.user,
            backwards=self.sort == "-name",
            # a filter that few rows pass would walk the whole index of names
            narrow=chosen.get("is_suppressed") == "1"
            or any(chosen.get(name) for name in ("name", "tag", "city", "source", "segment")),
        )

    def _by_the_names_of_all(self, chosen: dict[str, Any]) -> Any:
        """The customers of a segment that is no small part of all; None where another filter leaves few, or the segment is small."""
        if self.segment is None or chosen.get("is_suppressed") == "1":
            return None
        if any(chosen.get(name) for name in ("name", "tag", "source", "type")):
            return None
        city = chosen.get("city") or self.segment.city
        return members_by_name(
            rows=self.filterset.without_segment,
            ids=ids_of(self.segment),
            user=self.request.user,
            city_id=city and city.pk,
            backwards=self.sort == "-name",
        )

    @cached_property
    def segment(self) -> Segment | None:
        """The one that is filtered by."""
        form = self.filterset.form
        return form.cleaned_data.get("segment") if form.is_valid() else None

    @property
    def note(self) -> str:
        """Of how many customers of the segment this is a part: the list shows the first by name alone."""
        if self.segment is None:
            return ""
        fit = count_among(self.filterset.without_segment, ids_of(self.segment), most=FIT_COUNTED)
        return _("%(segment)s, counted %(moment)s: %(count)s customers, of whom %(fit)s fit the filters.") % {
            "segment": self.segment.name, "moment": moment(self.segment.counted_at), "count": thousands(self.segment.count),
            "fit": thousands(fit) if fit <= FIT_COUNTED else _("over %(low)s") % {"low": thousands(FIT_COUNTED)},
        }  # fmt: skip

    def exported_rows(self) -> Any:
        """All that the filters leave, not the first by name alone: a file is sorted by who opens it."""
        form = self.filterset.form
        return for_list(self.filterset.qs if form.is_valid() else self._queryset.none()).order_by(
            "city", "name_sort", "pk"
        )


@require_GET
def customers(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_customers(request.user))
    if holds_number(request.GET.get("name", "")):
        messages.warning(
            request, _("A phone number must not stand in an address. Type it into the search of this page instead.")
        )
        return redirect("customers:customers")
    listing = CustomerListing(
        request, Customer.objects.visible_to(request.user).filter(merged_into=None), COLUMNS,
        name="customers.customers", title=_("Customers"), filterset=CustomerFilter, order="name_sort", may_export=rules.can_export_customers(request.user), door=two_persons,
        row_link=lambda customer: reverse("customers:customer", args=[customer.pk]), search_url=reverse("customers:customer-search"),
        empty_title=_("No customers yet."), empty_text=_("They come from lead lists: upload one and commit it."),
    )  # fmt: skip
    if listing.segment is not None:
        listing.door = two_persons_of_segment(listing.segment)
    context = {"number_form": NumberForm(), "may_search": rules.can_change_customers(request.user)}
    return listing.page_or_export("customers/customers.html", context)


@never_cache
@require_POST
def search(request: HttpRequest) -> HttpResponse:
    """The filters of the list, posted: a name goes on into the address, a number to the exact search and into no address or log."""
    must(request, rules.can_see_customers(request.user))
    name = request.POST.get("name", "")
    if holds_number(name):
        if rules.can_change_customers(request.user):
            return _find(request, NumberForm({"number": name}))
        messages.warning(request, _("Your role does not search by number."))
        return redirect("customers:customers")
    query = {key: request.POST[key] for key in (*CustomerFilter.base_filters, "sort") if request.POST.get(key)}
    return redirect(f"{reverse('customers:customers')}?{urlencode(query)}")


@never_cache
@require_POST
def find(request: HttpRequest) -> HttpResponse:
    """Search by exact number. Posted, so that no number stands in an address or a log."""
    must(request, rules.can_change_customers(request.user))
    return _find(request, NumberForm(request.POST))


def _find(request: HttpRequest, form: NumberForm) -> HttpResponse:
    if not form.is_valid():
        messages.error(request, " ".join(form.errors["number"]))
        return redirect("customers:customers")
    try:
        found = persons.find_by_number(number=form.cleaned_data["number"], by=request.user, at=database_now())
    except QuotaUsedUp as used:
        audit_refusal(request, quota="search")
        messages.error(request, str(used))
        return redirect("customers:customers")
    if found is None:
        messages.warning(request, _("No customer that you may see has this number."))
        return redirect("customers:customers")
    return redirect("customers:customer", pk=found.pk)


def customer_or_404(request: HttpRequest, pk: int) -> Customer:
    rows = Customer.objects.visible_to(request.user).select_related("city__zone", "source", "merged_into")
    return get_object_or_404(rows, pk=pk)


@never_cache
@require_GET
def customer(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_see_customers(request.user))
    return page_of(request, customer_or_404(request, pk))


def has_done(request: HttpRequest, form: forms.Form, verb: Callable[[], Any], done: str) -> bool:
    """Do the verb of a whole form and say so; a fault or a refusal stands in the form."""
    if not form.is_valid():
        return False
    try:
        verb()
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(request, done)
    return True


def page_of(request: HttpRequest, row: Customer, **bound: forms.Form) -> HttpResponse:
    at = database_now()
    context: dict[str, Any] = {
        "customer": row,
        "at": at,
        "phones": row.phones.defer("sealed").order_by("-is_primary", "pk"),
        "tags": row.tags.select_related("tag").order_by("tag__name"),
        "consents": row.consents.select_related("file").order_by("-given_at", "-pk"),
        "suppressions": _suppressions(request, row, at),
        "quiet_times": _quiet_times(row, at),
        "zone": row.city.zone,
        "grey_entries": _grey_entries(request, row, at),
        "may_grey": rules.can_change_greylist(request.user) and not row.merged_into_id,
        "grey_form": GreyForm(),
        "may_add_quiet": rules.can_add_quiet_time(request.user) and not row.merged_into_id,
        "may_end_quiet": rules.can_end_quiet_time(request.user),
        "quiet_form": QuietTimeForm(initial={"stated_on": business_date(at)}),
        "contacts": Contact.objects.filter(customer_id=row.pk).order_by("-at")[:CONTACTS_SHOWN],
        "packs": RulePack.objects.order_by("code"),
        "may_see_evidence": rules.can_answer_requests(request.user) or not was_erased(row),
        "may_change": rules.can_change_customers(request.user) and not row.merged_into_id,
        "merges": merges_of(row) if rules.can_decide_same_persons(request.user) else [],
        "may_suppress": rules.can_suppress(request.user),
        "may_reveal": rules.can_reveal_number(request.user),
        "reveal_form": RevealForm(),
        "tag_form": TagForm(),
        "consent_form": ConsentForm(initial={"given_on": business_date(at)}),
        "suppress_form": SuppressForm(),
        "title": row.full_name,
        "requests": row.requests.select_related("received_by").order_by("-received_on", "-pk"),
        "request_form": RequestForm(initial={"received_on": business_date(at)}),
        "today": business_date(at),
        "fragments": [url for name in FROM_ABOVE if (url := _url(name, row.pk))],
        "crumbs": [(_("Customers"), reverse("customers:customers"))],
        **_reasons(request, row, at),
    }
    context |= bound
    return render(request, "customers/customer_detail.html", context, status=422 if bound else 200)


# Parts of a customer's page that higher floors draw; one that is not there is left out.
FROM_ABOVE = ["campaigns:customer-leads", "campaigns:customer-calls", "campaigns:customer-orders"]


def _url(name: str, pk: int) -> str:
    try:
        return reverse(name, args=[pk])
    except NoReverseMatch:
        return ""


def _suppressions(request: HttpRequest, row: Customer, at: datetime) -> list[tuple[Any, bool, bool]]:
    """(row, in force, may be lifted by this user)."""
    rows = row.suppressions.select_related("created_by", "lifted_by").order_by("-valid_from", "-pk")
    return [
        (item, item.in_force_at(at), item.lifted_at is None and rules.can_lift(request.user, item)) for item in rows
    ]


def _grey_entries(request: HttpRequest, row: Customer, at: datetime) -> list[tuple[GreyEntry, str, bool, bool]]:
    """(entry, in words, in force, may be opened): those of the customer, and those in force that name a number of theirs. Of what another
    city entered by number the conditions are told, for they bind; why, whence and by whom are not."""
    by_number = [item for item in greylist.entries_of(row, at) if item.customer_id is None]
    opened = set(
        GreyEntry.objects.visible_to(request.user)
        .filter(pk__in=[item.pk for item in by_number])
        .values_list("pk", flat=True)
    )
    return [
        (item, greylist.in_words(item), item.in_force_at(at), item.customer_id is not None or item.pk in opened)
        for item in (*by_number, *row.grey_entries.order_by("-pk"))
    ]


def _quiet_times(row: Customer, at: datetime) -> list[tuple[Any, str, bool, date | None]]:
    """(row, in words, holds, last day by the clock of the customer's city), those that hold first."""
    zone = contacts.zone_of(row.city.zone.name if row.city.zone else None)
    found = [
        (item, quiet_times.in_words(item), item.holds_at(at), _day_before(item.valid_to, zone))
        for item in row.quiet_times.select_related("created_by", "ended_by").order_by("-pk")
    ]
    return sorted(found, key=lambda item: not item[2])


def _day_before(moment: datetime | None, zone: tzinfo | None) -> date | None:
    """The last day of what ends at a midnight there."""
    return (moment - timedelta(seconds=1)).astimezone(zone).date() if moment else None


def _reasons(request: HttpRequest, row: Customer, at: datetime) -> dict[str, Any]:
    code = request.GET.get("pack", DEFAULT_PACK)
    pack = RulePack.objects.filter(code=code).first()
    found = contacts.rules_for(
        pack_ids=[pack.pk] if pack else [], on=business_date(at), city_id=row.city_id, segment_ids=row.rule_segments
    )
    reasons = contacts.why_not(customer=row, rules=found, at=at)
    return {
        "reasons": reasons,
        "may_call_now": not contacts.blocking(reasons),
        "pack": pack.code if pack else DEFAULT_PACK,
    }


@never_cache
@require_GET
def why_not(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that says what stands against a call now, under one rule pack."""
    must(request, rules.can_see_customers(request.user))
    row = customer_or_404(request, pk)
    context = {"customer": row, "packs": RulePack.objects.order_by("code"), **_reasons(request, row, database_now())}
    return render(request, "customers/_why_not.html", context)


@never_cache
@require_POST
def reveal(request: HttpRequest, pk: int, phone: int) -> HttpResponse:
    """One number in full, for a reason, counted and audited. Shown in this answer only."""
    row = customer_or_404(request, pk)
    must(request, rules.can_reveal_number(request.user))
    number = get_object_or_404(row.phones, pk=phone)
    try:
        digits = persons.reveal_number(
            phone=number, reason=request.POST.get("reason", ""), by=request.user, at=database_now()
        )
    except DomainError as refusal:
        if isinstance(refusal, QuotaUsedUp):
            audit_refusal(request, quota="reveal")
        messages.error(request, str(refusal))
        return redirect("customers:customer", pk=row.pk)
    context = {
        "customer": row,
        "phone": number,
        "digits": digits,
        "crumbs": [
            (_("Customers"), reverse("customers:customers")),
            (str(row), reverse("customers:customer", args=[row.pk])),
        ],
    }
    return render(request, "customers/number.html", context)
