"""Person and lead, locked in the order in which everybody locks them."""

from __future__ import annotations

from django.core.exceptions import ObjectDoesNotExist
from django.utils.translation import gettext as _

from campaigns.models import Lead
from core.errors import DomainError
from core.rows import M, row
from customers.models import Customer
from people.models import User


class LeadNotYours(DomainError):
    """The lead is not in this agent's hand, any more or at all."""


def lock_held(lead: Lead, agent: User | None) -> tuple[Customer, Lead]:
    """Person and lead, locked. Raises LeadNotYours."""
    customer = lock_person(lead)
    fresh = lock_lead(lead)
    check_held(fresh, agent)
    return customer, fresh


def check_held(lead: Lead, agent: User | None) -> None:
    """Raises LeadNotYours when the lead, which the caller's transaction has locked, is in nobody's hand, or not in this agent's."""
    if lead.state != Lead.State.HELD or (agent is not None and lead.agent_id != agent.pk):
        raise LeadNotYours(
            _("This lead is no longer with you. Its result was recorded before, or it went back to the queue.")
        )


def lock_person(lead: Lead) -> Customer:
    """The person of a lead, locked: always before the lead."""
    return _locked(Customer, lead.customer_id)


def lock_lead(lead: Lead) -> Lead:
    """The lead as it stands, locked."""
    return _locked(Lead, lead.pk)


def _locked(model: type[M], pk: int) -> M:
    found = row(model, "id = %s", [pk], lock=True)
    if found is None:
        raise ObjectDoesNotExist(f"{model.__name__} {pk}")
    return found
