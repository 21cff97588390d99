"""Which campaigns come first with a person whom several of an exclusion group want, as the claim decides it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection
from django.utils.translation import gettext as _

from campaigns.models import Campaign, Lead
from core.calendar import business_date
from customers.services.contacts import Reason


def served_first(campaign: Campaign) -> list[int]:
    """The calling campaigns of the group that come before this one."""
    if not campaign.exclusion_group:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT campaigns_served_first(%s)", [campaign.pk])
        return cursor.fetchone()[0] or []


def wanted_first(campaign: Campaign, customers: Iterable[int], at: datetime) -> dict[int, Reason]:
    """Of these customers those for whom a campaign that comes first waits and whom it could call, each with the sentence that says so."""
    prior = served_first(campaign)
    if not prior:
        return {}
    waiting = Lead.objects.filter(customer__in=customers, campaign__in=prior, state=Lead.State.OPEN)
    people = list(waiting.values_list("customer", flat=True).distinct())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.id, b.name FROM unnest(%s::bigint[]) p(id)"
            " JOIN campaigns_campaign b ON b.id = campaigns_wanted_first(p.id, %s::bigint[], %s, %s)",
            [people, prior, business_date(at), at],
        )
        found = cursor.fetchall()
    return {
        customer: Reason("served_first", _("%(campaign)s comes first with this person.") % {"campaign": name})
        for customer, name in found
    }
