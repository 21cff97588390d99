"""The undo of a merge: each gets back what nobody has changed since, and what could not be brought back is said."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from customers import rules
from customers.models import Contact, Customer, CustomerTag, Merge, Phone, SamePerson, Segment
from customers.retention import UNDO
from customers.services import same_persons
from customers.services.list_commit import one_at_a_time
from customers.services.merging import BUDGET, FILLED, LAST_ATTEMPTS, after_all_said, budget_of, mark_merged
from customers.services.suppress import recompute, suppress
from customers.signals import customers_unmerged
from people.models import User

MOMENTS = ("callable_from", "answered_at", "owner_until")


class UndoneAlready(DomainError):
    """The merge was undone before."""


class NotUndoable(DomainError):
    """The merge cannot be undone, or not now; the sentence says why."""


@transaction.atomic
def undo(*, made: Merge, by: User, at: datetime) -> Merge:
    """Two customers again, and the pair to be decided anew. What was changed or used since the merge stays with the one who was kept, and is
    counted in `left`; what was asked since about calls holds for both.

    Raises PermissionRefused, UndoneAlready, NotUndoable.
    """
    one_at_a_time()
    if not rules.can_decide_same_persons(by) or not Merge.objects.visible_to(by).filter(pk=made.pk).exists():
        raise PermissionRefused(_("Your role does not allow this."))
    kept, gone, made = _lock(made)
    if made.undone_at is not None:
        raise UndoneAlready(_("This merge was undone before."))
    at = after_all_said(kept, gone, at=at)
    if reasons := why_not_undo(made, kept, gone, at=at):
        raise NotUndoable(" ".join(reasons))
    moved, left = json.loads(str(made.moved)), Counter[str]()
    _give_back(moved, kept, gone, left, since=made.at, at=at)
    mark_merged(gone, None, at=at)
    _hold_for_both(kept, gone, left, known=moved["own_suppressions"], since=made.at, by=by, at=at)
    recompute([kept.pk, gone.pk], at=at)
    customers_unmerged.send(Customer, kept_id=kept.pk, gone_id=gone.pk, at=at, moved=moved, left=left)
    same_persons.settle(made.pair, SamePerson.State.OPEN, by=None, at=None)
    made.undone_at, made.undone_by, made.left = at, by, sorted(left.items())
    made.save(update_fields=["undone_at", "undone_by", "left"])
    audit(
        "customers.merge.undone", made, by=by, at=at, city_id=gone.city_id, customer_id=kept.pk, other_customer_id=gone.pk,
        left=dict(left),
    )  # fmt: skip
    return made


def _lock(made: Merge) -> tuple[Customer, Customer, Merge]:
    """The persons first, by id, as everywhere."""
    pks = [made.kept_id, made.gone_id]
    rows = {row.pk: row for row in Customer.objects.select_for_update(of=("self",)).filter(pk__in=pks).order_by("pk")}
    made = Merge.objects.select_for_update(of=("self",)).select_related("pair").get(pk=made.pk)
    return rows[made.kept_id], rows[made.gone_id], made


def why_not_undo(made: Merge, kept: Customer, gone: Customer, *, at: datetime) -> list[str]:
    """Everything that forbids it, in sentences; [] when nothing does."""
    found = [
        (made.at < at - UNDO or made.moved is None, _("What was moved is kept for %(days)s days, and that is over.") % {"days": UNDO.days}),
        (kept.merged_into_id is not None, _("The one who stayed was merged into another customer since; undo that first.")),
        (bool(kept.held_lead_id), _("An agent has the customer in hand just now; try again in a few minutes.")),
        (kept.is_locked or gone.is_locked, _("The data of the customer are locked.")),
    ]  # fmt: skip
    return [sentence for holds, sentence in found if holds]


# ---------------------------------------------------------------- what goes back


def _give_back(
    moved: dict[str, Any], kept: Customer, gone: Customer, left: Counter[str], *, since: datetime, at: datetime
) -> None:
    _give_phones(moved["phones"], kept, gone, left)
    left["consents"] += _hand_back(kept.consents, moved["consents"], gone)
    left["suppressions"] += _hand_back(kept.suppressions, moved["suppressions"], gone)
    # the marks are true while anything may stand there, also by a number that goes back
    gone.is_greylisted, gone.has_quiet_times = (
        gone.is_greylisted or kept.is_greylisted,
        gone.has_quiet_times or kept.has_quiet_times,
    )
    _hand_back(kept.quiet_times, moved.get("quiet_times", []), gone)
    _hand_back(kept.grey_entries, moved.get("grey_entries", []), gone)
    left["tags"] += _hand_back(CustomerTag.objects.filter(customer=kept), moved["tags"], gone)
    _part_tags(moved.get("tags_united", []), kept)
    Contact.objects.filter(pk__in=moved["contacts"], customer_id=kept.pk, at__lte=since).update(customer_id=gone.pk)
    left["contacts"] += Contact.objects.filter(customer_id=kept.pk, at__gt=since, state=Contact.State.MADE).count()
    left["requests"] += kept.requests.filter(created_at__gt=since).count()
    SamePerson.objects.filter(pk__in=moved["told_apart"], merges=None).delete()
    _empty_filled(moved, kept, left)
    _give_number(moved["number"], kept, gone, left)
    _part_budgets(moved, kept, gone, since)
    kept.updated_at = at
    kept.save(update_fields=[*FILLED, "attributes", "external_id", "updated_at", *BUDGET])
    gone.save(update_fields=["external_id", "is_greylisted", "has_quiet_times", *BUDGET])
    for word in [word for word, count in left.items() if not count]:
        del left[word]


def _hand_back(rows: Any, ids: list[int], gone: Customer) -> int:
    """How many are gone since."""
    return len(ids) - int(rows.filter(pk__in=ids).update(customer=gone))


def _part_tags(told: list[dict[str, Any]], kept: Customer) -> None:
    """What others said of the one who goes back is no longer said of the one who stays; a tag that nobody says any more comes off."""
    rows = {row.tag_id: row for row in kept.tags.filter(tag__in=[one["tag"] for one in told])}
    for one in told:
        row = rows.get(one["tag"])
        if row is None:  # taken off since
            continue
        row.list_ids = [pk for pk in row.list_ids if pk not in one["lists"]]
        if one["by_hand"] and row.is_by_hand:
            row.is_by_hand = one["before"][0]
            row.segment_id = (
                Segment.objects.live().filter(pk=one["before"][1], tag=row.tag_id).values_list("pk", flat=True).first()
            )
        if row.is_by_hand or row.segment_id or row.list_ids:
            row.save()
        else:
            row.delete()


def _give_phones(told: list[list[Any]], kept: Customer, gone: Customer, left: Counter[str]) -> None:
    ids = [pk for pk, _was_first in told]
    rows = Phone.objects.filter(pk__in=ids, customer=kept)
    here = list(rows.values_list("pk", flat=True))
    left["phones"] += len(ids) - len(here)
    rows.update(is_primary=False)
    Phone.objects.filter(pk__in=here).update(customer=gone)
    Phone.objects.filter(pk__in=[pk for pk, was_first in told if was_first and pk in here]).update(is_primary=True)
    if not kept.phones.filter(is_primary=True).exists() and (first := kept.phones.order_by("pk").first()):
        Phone.objects.filter(pk=first.pk).update(is_primary=True)


def _empty_filled(moved: dict[str, Any], kept: Customer, left: Counter[str]) -> None:
    """What the merge filled in goes, unless somebody has written over it."""
    for name, value in moved["fields"].items():
        if getattr(kept, name) == value:
            setattr(kept, name, None if Customer._meta.get_field(name).null else "")
        else:
            left["details"] += 1
    attributes = dict(kept.attributes)
    for name, value in moved["attributes"].items():
        if attributes.get(name) != value:
            left["details"] += 1
        elif name in moved["attributes_before"]:
            attributes[name] = moved["attributes_before"][name]
        else:
            del attributes[name]
    kept.attributes = attributes


def _give_number(number: str, kept: Customer, gone: Customer, left: Counter[str]) -> None:
    if not number:
        return
    if kept.external_id != number or kept.source_id != gone.source_id:
        left["details"] += 1
        return
    kept.external_id = ""
    kept.save(update_fields=["external_id"])  # a number stands once per source
    gone.external_id = number


def _part_budgets(moved: dict[str, Any], kept: Customer, gone: Customer, since: datetime) -> None:
    """Each has the attempts of before; those made since count against both, since nobody can tell whom they reached."""
    before, after = moved["budget_before"], moved["budget_after"]
    own = {datetime.fromisoformat(moment) for moment in before["attempts"]}
    others = {datetime.fromisoformat(moment) for moment in moved["attempts_of_gone"]} - own
    later = [moment for moment in kept.attempts if moment > since]
    now = budget_of(kept)
    for name in BUDGET:
        if name != "attempts" and now[name] == after[name]:
            setattr(kept, name, _moment(before[name]) if name in MOMENTS else before[name])
        elif name in ("callable_from", "answered_at"):
            latest = max(moment for moment in (getattr(gone, name), getattr(kept, name)) if moment)
            setattr(gone, name, latest)
    kept.attempts = sorted({*own, *(m for m in kept.attempts if m not in others)}, reverse=True)[:LAST_ATTEMPTS]
    gone.attempts = sorted({*gone.attempts, *later}, reverse=True)[:LAST_ATTEMPTS]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _hold_for_both(
    kept: Customer, gone: Customer, left: Counter[str], *, known: list[int], since: datetime, by: User, at: datetime
) -> None:
    """What was asked since the merge, nobody knows by which of the two: it holds for both."""
    for row in kept.suppressions.in_force(at).exclude(pk__in=known).order_by("pk"):
        suppress(
            customer=gone, kind=row.kind, campaign_id=row.campaign_id, product_id=row.product_id, valid_to=row.valid_to,
            by=by, at=at, source="unmerged",
        )  # fmt: skip
        left["for_both"] += 1
    for rows in (kept.quiet_times.standing(at), kept.grey_entries.in_force(at)):
        for wish in rows.filter(created_at__gt=since).order_by("pk"):
            wish.pk, wish.customer = None, gone
            wish._state.adding = True
            wish.save()
            left["for_both"] += 1
