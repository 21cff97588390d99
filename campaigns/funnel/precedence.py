"""Which campaigns come first with a person whom several of an exclusion group want, as the claim decides it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.utils.translation import gettext as _

from campaigns.models import Campaign, Lead
from customers.services.contacts import Reason


def served_first(campaign: Campaign) -> list[int]:
    """The calling campaigns of the group that come before this one."""
    if not campaign.exclusion_group:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT campaigns_served_first(%s)", [campaign.pk])
        return cursor.fetchone()[0] or []


def wanted_first(campaign: Campaign, customers: Iterable[int]) -> dict[int, Reason]:
    """Of these customers those who wait in a campaign that comes first, each with the sentence that says so."""
    prior = served_first(campaign)
    if not prior:
        return {}
    waiting = Lead.objects.filter(customer__in=customers, campaign__in=prior, state=Lead.State.OPEN)
    names = waiting.order_by("campaign__precedence", "-campaign").values_list("customer", "campaign__name")
    return {
        customer: Reason("served_first", _("%(campaign)s comes first with this person.") % {"campaign": name})
        for customer, name in names
    }
