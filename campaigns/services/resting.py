"""The other open leads of a person who was contacted, or was not after all.

The claim leaves them where they are: the person's row alone keeps every campaign from calling. They leave the front of their queues when
the contact is made, so that a hand-out stays cheap and one that is given back has moved nothing.
"""

from __future__ import annotations

from django.db.models import F, QuerySet
from django.db.models.functions import Greatest

from campaigns.models import Lead
from customers.models import Customer


def others_rest(person: Customer) -> None:
    """They wait until the person may be called again. Inside a transaction; a lead that is being handed out just now stays where it is,
    since two who waited for each other's rows would never end."""
    early = Lead.objects.filter(ready_at__lt=person.callable_from)
    _waiting(person, early).update(ready_at=person.callable_from)


def others_return(person: Customer) -> None:
    """They wait as if the contact had not been reserved. Inside a transaction."""
    _waiting(person, Lead.objects.all()).update(ready_at=Greatest(F("due_at"), person.callable_from))


def _waiting(person: Customer, among: QuerySet[Lead]) -> QuerySet[Lead]:
    """Of these the person's open leads that nobody holds just now; what was promised stays as promised."""
    free = among.filter(customer=person, state=Lead.State.OPEN, callback_agent=None)
    return Lead.objects.filter(pk__in=free.select_for_update(skip_locked=True).values("pk"))
