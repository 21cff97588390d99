"""What the nightly checks of the figures found, and what persons wait for, in sentences for those who answer for the whole region."""

from __future__ import annotations

from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _, ngettext

from core.calendar import business_date
from customers.queries import overdue_requests
from metrics.models import Alert
from people.models import Membership, User

MOST = 20


def open_alerts(user: User) -> list[str]:
    """Open alerts, the oldest first; nothing for those who cannot do anything about them."""
    if not user.has_role(Membership.Role.REGIONAL_MANAGER, Membership.Role.ADMINISTRATOR):
        return []
    found = Alert.objects.visible_to(user).filter(settled_at=None).order_by("raised_at", "pk")
    return [*_late_requests(user), *(_sentence(alert) for alert in found[:MOST])]


def _late_requests(user: User) -> list[str]:
    late = overdue_requests(user, business_date(timezone.now()))
    told = ngettext(
        "%(count)s request of a person about their data is overdue.",
        "%(count)s requests of persons about their data are overdue.",
        late,
    )
    return [told % {"count": late}] if late else []


def _sentence(alert: Alert) -> str:
    if alert.kind == Alert.Kind.DEFAULT_PARTITION:
        return _("Calls that lie outside of every month that was made: %(count)s.") % {
            "count": alert.detail.get("rows", 0)
        }
    day = parse_date(alert.key)
    numbers = {"day": date_format(day, "DATE_FORMAT") if day else alert.key, "count": len(alert.detail)}
    if alert.kind == Alert.Kind.SUMS_DIFFER:
        return _("%(day)s: the parts do not add up to the whole in %(count)s of the sums compared.") % numbers
    return _("%(day)s: counted again, the figures of %(count)s of the cities differ from what is stored.") % numbers
