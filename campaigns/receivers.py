"""What campaigns does when a lower floor has news."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from customers.signals import (
    customer_moved,
    customer_suppressed,
    customers_merged,
    customers_unmerged,
    list_committed,
    rows_taken_back,
)
from scripts.signals import version_displaced, version_retiring


@receiver(customer_suppressed, dispatch_uid="campaigns.withdraw_leads")
def withdraw_leads(
    sender: Any,
    *,
    customer_id: int,
    kind: str,
    at: datetime,
    campaign_id: int | None = None,
    product_id: int | None = None,
    **_more: Any,
) -> None:
    """Runs inside the transaction of the suppression: the leads go with it or not at all."""
    from campaigns.services import refusals

    refusals.withdraw_leads(customer_id=customer_id, kind=kind, at=at, campaign_id=campaign_id, product_id=product_id)


@receiver(list_committed, dispatch_uid="campaigns.follow_customers")
def follow_customers(sender: Any, *, lead_list_id: int, **_more: Any) -> None:
    """Runs inside the commit of the list: the job that brings the leads along is there when the list is, or neither is.

    They are brought at once as well, so that the old city is handed none of them while the job waits for its turn.
    """
    from campaigns.services import moving
    from core.jobs import enqueue

    enqueue(kind="campaigns.follow_customers", key=str(lead_list_id), args={"lead_list": lead_list_id}, queue="fast")
    transaction.on_commit(partial(moving.follow_customers, lead_list_id=lead_list_id), robust=True)


@receiver(rows_taken_back, dispatch_uid="campaigns.take_leads_back")
def take_leads_back(
    sender: Any, *, lead_list_id: int, going: list[int], staying: list[int], moved: list[int], **_more: Any
) -> None:
    """Runs inside the transaction that takes the customers away: the leads go with them or not at all."""
    from campaigns.services import taking_back

    taking_back.take_leads_back(lead_list_id=lead_list_id, going=going, staying=staying, moved=moved)


@receiver(customer_moved, dispatch_uid="campaigns.follow_customer")
def follow_customer(sender: Any, *, customer_id: int, **_more: Any) -> None:
    """Runs inside the transaction that moves the person, who is locked by it."""
    from campaigns.services import moving

    moving.follow_customer(customer_id=customer_id)


@receiver(customers_merged, dispatch_uid="campaigns.merge_leads")
def merge_leads(sender: Any, *, kept_id: int, gone_id: int, at: datetime, moved: dict[str, Any], **_more: Any) -> None:
    """Runs inside the transaction of the merge, which holds both customers."""
    from campaigns.services import merged_persons

    merged_persons.merge_leads(kept_id=kept_id, gone_id=gone_id, at=at, moved=moved)


@receiver(customers_unmerged, dispatch_uid="campaigns.part_leads")
def part_leads(
    sender: Any,
    *,
    kept_id: int,
    gone_id: int,
    at: datetime,
    moved: dict[str, Any],
    left: Counter[str],
    **_more: Any,
) -> None:
    """Runs inside the transaction that undoes the merge, which holds both customers."""
    from campaigns.services import merged_persons

    merged_persons.part_leads(kept_id=kept_id, gone_id=gone_id, at=at, moved=moved, left=left)


@receiver(version_displaced, dispatch_uid="campaigns.follow_version")
def follow_version(sender: Any, *, before: Any, version: Any, by: Any, at: datetime, **_more: Any) -> None:
    """Runs inside the transaction that puts the version in force: campaigns go on to it with it, or it does not come into force."""
    from campaigns.services import script_following

    script_following.follow_version(before=before, version=version, by=by, at=at)


@receiver(version_retiring, dispatch_uid="campaigns.keep_what_is_used")
def keep_what_is_used(sender: Any, *, version: Any, by: Any, **_more: Any) -> None:
    """Runs inside the transaction that retires the version, and refuses it while calls use it."""
    from campaigns.services import script_following

    script_following.keep_what_is_used(version=version, by=by)
