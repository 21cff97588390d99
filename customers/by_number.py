"""What is entered by number alone, and whom a row of it names: nobody learns from it whether another city knows the number.

Who entered it, and the city for which they worked then, see it and may lift it; the region sees all. Whether the number belongs to somebody
elsewhere changes nothing of what they are shown.
"""

from __future__ import annotations

from django.db.models import Case, CharField, F, Q, When

from customers.models import Suppression
from customers.models.greylist import entered_for
from customers.models.people import ANSWERERS
from customers.models.rules import SuppressionQuerySet
from people.models import User

BY_HAND = "by hand"


def suppressions_seen(user: User) -> SuppressionQuerySet:
    """What `visible_to` shows, and what was entered by number for the user's cities, whoever the number belongs to.

    Each row says whose it may say it is: `named_id` is the customer, and `open_id` the customer whose page the user may open; None of
    another city's. Sorting goes by `shown_name` and `shown_city`, so that the place in a list tells nothing either.
    """
    scope = user.scope()
    rows = Suppression.objects.visible_to(user)
    within = Q(customer__isnull=False)
    if not scope.is_region:
        # one pass over the rows, of which a register brings millions: who entered it is asked of the few by hand
        within = Q(customer__city__in=scope.city_ids)
        by_hand = Q(phone_blind__isnull=False, call_id=None, source=BY_HAND)
        rows = Suppression.objects.filter(within | (by_hand & entered_for(user)))
    opened = within if user.has_role(*ANSWERERS) else within & Q(customer__is_locked=False)
    return rows.annotate(
        named_id=Case(When(within, then=F("customer_id"))),
        open_id=Case(When(opened, then=F("customer_id"))),
        shown_name=Case(When(opened, then=F("customer__name_sort")), output_field=CharField()),
        shown_city=Case(When(within, then=F("customer__city__name")), output_field=CharField()),
    )
