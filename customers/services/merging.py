"""Two customers are one person: what the one holds goes over to the other, in one transaction, and what went is kept to undo it.

Calls and orders stay with the row they were made for: they are evidence, and everything that counts or shows them follows `merged_into`.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from core.audit import audit
from core.clock import database_now
from core.errors import DomainError
from core.jobs import enqueue
from customers.models import Contact, Customer, CustomerTag, Merge, PersonRequest, Phone, SamePerson, Suppression
from customers.queries import former_ids
from customers.services import same_persons
from customers.services.list_commit import one_at_a_time
from customers.services.suppress import recompute
from customers.signals import customers_merged
from people.models import User

LAST_ATTEMPTS = 20
# filled where the one who stays has nothing
FILLED = ("type", "gender", "age", "address")
BUDGET = ("attempts", "callable_from", "answered_at", "owner_campaign_id", "owner_group", "owner_until")


class NotOfThePair(DomainError):
    """Who is to stay is neither of the two."""


class NotMergeable(DomainError):
    """One of the two cannot be merged as things are; the sentence says why."""


@transaction.atomic
def merge(*, pair: SamePerson, keep_id: int, by: User, at: datetime) -> Merge:
    """The one named by `keep_id` stays and gets the numbers, consents, suppressions, tags, missing details, attempts and open leads of the
    other, who points to them from now on. Whatever is stricter holds for the one who stays.

    Raises PermissionRefused, DecidedAlready, NotOfThePair, NotMergeable.
    """
    # lists lock customers in no order, and know them by the numbers that now change hands
    one_at_a_time()
    pair, first, second = same_persons.take(pair, by=by)
    if keep_id not in (first.pk, second.pk):
        raise NotOfThePair(_("Choose which of the two stays."))
    kept, gone = (first, second) if keep_id == first.pk else (second, first)
    at = after_all_said(first, second, at=at)
    if reasons := why_not_merge(kept, gone):
        raise NotMergeable(" ".join(reasons))
    moved = _move(kept, gone, pair, by=by, at=at)
    mark_merged(gone, kept, at=at)
    recompute([kept.pk, gone.pk], at=at)
    customers_merged.send(Customer, kept_id=kept.pk, gone_id=gone.pk, at=at, moved=moved)
    same_persons.settle(pair, SamePerson.State.MERGED, by=by, at=at)
    made = Merge.objects.create(pair=pair, kept=kept, gone=gone, at=at, by=by, moved=json.dumps(moved))
    # who was near the other is near the one who stays
    enqueue(kind=same_persons.KIND, key=f"merge-{made.pk}", args={"customer": kept.pk}, city_id=kept.city_id, by=by)
    audit(
        "customers.merge.made", made, by=by, at=at, city_id=kept.city_id, customer_id=kept.pk, other_customer_id=gone.pk,
        numbers=len(moved["phones"]), contacts=len(moved["contacts"]),
    )  # fmt: skip
    return made


def why_not_merge(first: Customer, second: Customer) -> list[str]:
    """Everything that forbids merging these two now, in sentences; [] when nothing does."""
    both = (first, second)
    pks = [customer.pk for customer in both]
    erased = PersonRequest.objects.filter(customer__in=pks, kind="erase", state="done")
    asked = PersonRequest.objects.filter(customer__in=pks).waiting()
    found = [
        (any(c.merged_into_id for c in both), _("One of the two was merged already.")),
        (first.city_id != second.city_id, _("They belong to different cities now.")),
        (
            any(c.held_lead_id for c in both),
            _("An agent has one of them in hand just now; try again in a few minutes."),
        ),
        (any(c.is_locked for c in both), _("The data of one of them are locked.")),
        (erased.exists(), _("One of them was erased.")),
        (asked.exists(), _("One of them has asked about their data; answer that first.")),
    ]
    return [sentence for holds, sentence in found if holds]


def after_all_said(*customers: Customer, at: datetime) -> datetime:
    """`at`, or as late as the last wish not to be called that came in while the customers' rows were waited for: it is to count as well."""
    said = Suppression.objects.filter(
        customer__in=customers, lifted_at=None, valid_from__gt=at, valid_from__lte=database_now()
    )
    return said.aggregate(last=Max("valid_from"))["last"] or at


def mark_merged(gone: Customer, kept: Customer | None, *, at: datetime) -> None:
    """Points to whom it was merged into, or to nobody again. Who was merged into it before is marked as changed with it: the days of
    their calls are counted anew."""
    gone.merged_into, gone.updated_at = kept, at
    gone.save(update_fields=["merged_into", "updated_at"])
    Customer.objects.filter(pk__in=former_ids(gone.pk)).update(updated_at=at)


# ---------------------------------------------------------------- what goes over


def _move(kept: Customer, gone: Customer, pair: SamePerson, *, by: User, at: datetime) -> dict[str, Any]:
    """Everything of this floor; returns what went, for the undo."""
    moved: dict[str, Any] = {
        "phones": _move_phones(kept, gone),
        "consents": _hand_over(gone.consents.all(), kept),
        "own_suppressions": sorted(kept.suppressions.values_list("pk", flat=True)),
        "suppressions": _hand_over(gone.suppressions.all(), kept),
        "quiet_times": _hand_over(gone.quiet_times.all(), kept),
        "grey_entries": _hand_over(gone.grey_entries.all(), kept),
        "tags": _move_tags(kept, gone),
        "tags_united": _unite_tags(kept, gone),
        "told_apart": _carry_decisions(kept, gone, pair, by=by, at=at),
    }
    contacts = Contact.objects.filter(customer_id=gone.pk)
    moved["contacts"] = sorted(contacts.values_list("pk", flat=True))
    contacts.update(customer_id=kept.pk)
    moved |= {"number": _move_number(kept, gone), **_fill(kept, gone), **_unite_budgets(kept, gone, at)}
    # also where it is a number that the greylist names
    kept.is_greylisted, kept.has_quiet_times = (
        kept.is_greylisted or gone.is_greylisted,
        kept.has_quiet_times or gone.has_quiet_times,
    )
    kept.updated_at = at
    kept.save(
        update_fields=[
            *FILLED,
            "attributes",
            "source",
            "external_id",
            "updated_at",
            "is_greylisted",
            "has_quiet_times",
            *BUDGET,
        ]
    )
    return moved


def _hand_over(rows: Any, kept: Customer) -> list[int]:
    ids = sorted(rows.values_list("pk", flat=True))
    rows.model.objects.filter(pk__in=ids).update(customer=kept)
    return ids


def _move_phones(kept: Customer, gone: Customer) -> list[list[Any]]:
    """[[number, was first to dial]]. The first number of the one who stays remains the first."""
    told = [[pk, is_first] for pk, is_first in gone.phones.order_by("pk").values_list("pk", "is_primary")]
    has_first = kept.phones.filter(is_primary=True).exists()
    rows = Phone.objects.filter(pk__in=[pk for pk, _is_first in told])
    if has_first:
        rows.update(is_primary=False)
    rows.update(customer=kept)
    return told


def _move_tags(kept: Customer, gone: Customer) -> list[int]:
    """Those set by hand or by a list that the other lacks; what follows a segment is set by the segment."""
    rows = gone.tags.filter(segment=None).exclude(tag__in=kept.tags.values("tag"))
    ids = sorted(rows.values_list("pk", flat=True))
    CustomerTag.objects.filter(pk__in=ids).update(customer=kept)
    return ids


def _unite_tags(kept: Customer, gone: Customer) -> list[dict[str, Any]]:
    """Whoever said a tag of either, a person or a list, says it of the person. Asked of the tags that stay with the one who goes: both have
    them, or they follow a segment besides. Returns what was added and what was there before."""
    own = {row.tag_id: row for row in kept.tags.all()}
    told = []
    for other in gone.tags.order_by("pk"):
        row = own.get(other.tag_id)
        by_hand = other.is_by_hand and other.segment_id is None
        lists = sorted(set(other.list_ids) - set(row.list_ids if row else []))
        is_new_hand = by_hand and not (row and row.is_by_hand and row.segment_id is None)
        if not lists and not is_new_hand:
            continue
        told.append(
            {
                "tag": other.tag_id, "made": row is None, "lists": lists, "by_hand": is_new_hand,
                "before": [row.is_by_hand, row.segment_id] if row else [False, None],
            }
        )  # fmt: skip
        row = row or CustomerTag(customer=kept, tag_id=other.tag_id, is_by_hand=False, set_at=other.set_at)
        row.list_ids = sorted({*row.list_ids, *lists})
        if is_new_hand:  # as one set by hand on the page: it no longer goes with the segment
            row.is_by_hand, row.segment_id = True, None
        row.save()
    return told


def _carry_decisions(kept: Customer, gone: Customer, pair: SamePerson, *, by: User, at: datetime) -> list[int]:
    """Who was told apart from the one is not the other either: the numbers that looked alike go over, and must not bring the pair back."""
    told_apart = SamePerson.objects.filter(Q(first=gone) | Q(second=gone), state=SamePerson.State.DIFFERENT)
    made = []
    for row in told_apart.exclude(pk=pair.pk):
        other = row.second_id if row.first_id == gone.pk else row.first_id
        low, high = sorted((kept.pk, other))
        new, is_new = SamePerson.objects.get_or_create(
            first_id=low, second_id=high,
            defaults={"why": row.why, "state": row.state, "found_at": at, "decided_by": by, "decided_at": at},
        )  # fmt: skip
        made += [new.pk] if is_new else []
    return made


def _move_number(kept: Customer, gone: Customer) -> str:
    """The customer number, where the one who stays has none of the same source. Elsewhere it stays, and lists follow `merged_into`."""
    number = gone.external_id
    if kept.external_id or not number or kept.source_id not in (None, gone.source_id):
        return ""
    gone.external_id = ""
    gone.save(update_fields=["external_id"])
    kept.external_id, kept.source_id = number, gone.source_id
    return number


def _fill(kept: Customer, gone: Customer) -> dict[str, Any]:
    fields = {
        name: getattr(gone, name)
        for name in FILLED
        if getattr(kept, name) in (None, "") and getattr(gone, name) not in (None, "")
    }
    attributes = {
        name: value
        for name, value in gone.attributes.items()
        if kept.attributes.get(name) in (None, "") and value not in (None, "")
    }
    before = {name: kept.attributes[name] for name in attributes if name in kept.attributes}
    for name, value in fields.items():
        setattr(kept, name, value)
    kept.attributes = {**kept.attributes, **attributes}
    return {"fields": fields, "attributes": attributes, "attributes_before": before}


def _unite_budgets(kept: Customer, gone: Customer, at: datetime) -> dict[str, Any]:
    """One person, one budget: all attempts of both, the later moment of each, and the campaign that owns either."""
    before = budget_of(kept)
    kept.attempts = sorted({*kept.attempts, *gone.attempts}, reverse=True)[:LAST_ATTEMPTS]
    kept.callable_from = max(kept.callable_from, gone.callable_from)
    kept.answered_at = max((moment for moment in (kept.answered_at, gone.answered_at) if moment), default=None)
    if gone.owner_until and gone.owner_until > max(at, kept.owner_until or at):
        kept.owner_campaign_id, kept.owner_group, kept.owner_until = (
            gone.owner_campaign_id, gone.owner_group, gone.owner_until,
        )  # fmt: skip
    return {"budget_before": before, "budget_after": budget_of(kept), "attempts_of_gone": _told(gone.attempts)}


def budget_of(customer: Customer) -> dict[str, Any]:
    return {name: _told(getattr(customer, name)) for name in BUDGET}


def _told(value: Any) -> Any:
    if isinstance(value, list):
        return [_told(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value
