"""Why not now: the funnel of a campaign, and the leads of each class with all that stands against them."""

from __future__ import annotations

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from campaigns import rules
from campaigns.funnel import board, classes, counting, words
from campaigns.funnel.forecast import forecast
from campaigns.models import Campaign
from campaigns.queries_calls import short_name
from core.clock import database_now
from core.numbers import number_or_none
from customers.models import Customer
from customers.rules import can_see_customers
from people.access import must
from people.models import City

PAGE = 50


@never_cache
@require_GET
def why_not(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_read_campaigns(request.user))
    seen = Campaign.objects.visible_to(request.user).select_related("product", "city")
    campaign = get_object_or_404(seen, pk=pk)
    city = _city(request)
    counted = counting.kept([campaign], database_now())[campaign.pk]
    sees = board.cities_counted(request.user)
    funnel = counting.cut([counted], {city.pk} if city else sees)
    name = request.GET.get("class", "")
    lists = board.cities_listed(request.user)
    may_list = lists is None or bool(lists)
    context = {
        "campaign": campaign,
        "crumbs": [
            (_("Campaigns"), reverse("campaigns:campaigns")),
            (campaign.name or campaign.code, reverse("campaigns:campaign", args=[pk])),
        ],
        "city": city,
        "funnel": funnel,
        "rows": board.rows(funnel),
        "cities": board.city_rows(counted, sees),
        "forecast": forecast(funnel),
        "why_none": words.why_none(funnel),
        "has_teams": campaign.team_links.exists(),
        "class": name if name in classes.WORDS else "",
        "class_label": classes.WORDS.get(name, ""),
        "classes": classes.WORDS.items(),
        "next_when": words.day_and_time(funnel.next_at, funnel.at) if funnel.next_at else "",
        "may_list": may_list,
        "page": _page(request, campaign, name, city, lists, funnel) if name in classes.WORDS and may_list else None,
        "may_plan": rules.can_plan(request.user, campaign),
    }
    return render(request, "campaigns/why_not.html", context)


def _city(request: HttpRequest) -> City | None:
    """The city of the address; one that the user may not see does not exist."""
    asked = request.GET.get("city", "")
    if not asked:
        return None
    seen = City.objects.all()
    cities = board.cities_counted(request.user)
    if cities is not None:
        seen = seen.filter(pk__in=cities)
    return get_object_or_404(seen, pk=number_or_none(asked))


def _page(
    request: HttpRequest,
    campaign: Campaign,
    name: str,
    city: City | None,
    lists: set[int] | None,
    funnel: counting.Funnel,
) -> Page:
    cities = lists if city is None else {city.pk} & lists if lists is not None else {city.pk}
    leads = board.LeadsOfClass(campaign, name, cities, request.user, database_now(), funnel.counts[name])
    page = Paginator(leads, PAGE).get_page(request.GET.get("page"))
    whole = rules.can_see_names(request.user)
    people, reads_customers = [why.lead.customer_id for why in page], can_see_customers(request.user)
    opens = set(Customer.objects.visible_to(request.user).filter(pk__in=people).values_list("pk", flat=True))
    for why in page:
        is_hidden = why.lead.customer.is_locked
        why.lead.shown_name = "" if is_hidden else short_name(why.lead.customer.name, whole=whole)
        why.lead.opens = why.lead.customer_id in opens and reads_customers
        numbers = sorted(why.lead.customer.phones.all(), key=lambda phone: (phone.is_dead, not phone.is_primary))
        why.lead.number = numbers[0].mask if numbers and not is_hidden else ""
    return page
