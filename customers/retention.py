"""How long the personal data of customers stay, why, and how they go."""

from __future__ import annotations

from datetime import datetime, timedelta

import pgtrigger
from django.apps import apps
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from core.models import PrivateFile
from core.retention import register
from customers.list_rules import UNDO_FOR
from customers.models import (
    CanaryCall,
    Consent,
    ConsentFile,
    Customer,
    CustomerTag,
    GreyEntry,
    HeldRow,
    LeadList,
    Merge,
    PersonRequest,
    Phone,
    QuietTime,
    RegisterNumber,
    RepairedRow,
    RowVerdict,
    SegmentMembers,
    StagedRow,
    Suppression,
)
from customers.queries import former_ids, last_contact

STAGED = timedelta(days=7)
UNDECIDED = timedelta(days=30)
UNDO = UNDO_FOR
UNUSED = timedelta(days=3 * 365)
HELD = timedelta(days=365)
UNCOUNTED = timedelta(days=365)
# the time within which somebody may still bring a claim about a call, and the proof of its ground is ours to give (Civil Code art. 188)
PROVED = timedelta(days=3 * 365)
A_NIGHT = 20_000


def _unused(at: datetime) -> Q:
    """Neither added nor called nor in somebody's hand for three years."""
    cut = at - UNUSED
    return Q(created_at__lt=cut, held_lead_id=None) & (Q(attempts=[]) | Q(attempts__0__lt=cut))


def forget_staged_rows(at: datetime) -> int:
    """Rows of files: a week after the commit, those that changed somebody as long as they can be undone; lists nobody committed within a
    month are given up."""
    LeadList.objects.filter(status__in=["waiting", "checked"], created_at__lt=at - UNDECIDED).update(status="cancelled")
    over = LeadList.objects.filter(
        Q(status__in=["committed", "undone"], committed_at__lt=at - STAGED)
        | Q(status__in=["cancelled", "failed"], created_at__lt=at - STAGED)
    )
    undoable = LeadList.objects.filter(status="committed", committed_at__gte=at - UNDO)
    needed = RowVerdict.objects.filter(
        Q(verdict="update") | Q(told__isnull=False),
        lead_list=OuterRef("lead_list"),
        row_no=OuterRef("row_no"),
        lead_list__in=undoable,
    )
    return StagedRow.objects.filter(lead_list__in=over).exclude(Exists(needed)).delete()[0]


def forget_register_numbers(at: datetime) -> int:
    """Numbers of registers whose last part never came."""
    return RegisterNumber.objects.filter(register__created_at__lt=at - UNDECIDED).delete()[0]


def forget_values_before(at: datetime) -> int:
    """What an update replaced: as long as the commit can be undone."""
    due = LeadList.objects.filter(committed_at__lt=at - UNDO).exclude(status="undoing")
    return RowVerdict.objects.filter(lead_list__in=due, before__isnull=False).update(before=None)


def forget_repaired_rows(at: datetime) -> int:
    """What stood in rows before their repair: as long as a list waits for its commit, and can then be taken back."""
    return RepairedRow.objects.filter(repair__at__lt=at - UNDECIDED).delete()[0]


def forget_held_rows(at: datetime) -> int:
    """Rows held back for the region that no list has brought again for a year."""
    return HeldRow.objects.filter(kept_at__lt=at - HELD).delete()[0]


def forget_customers(at: datetime) -> int:
    """Names and attributes of persons unused for three years; the row stays, since calls and counts point to it."""
    holds_some = ~Q(name="", external_id="", attributes={}, address__isnull=True)
    due = Customer.objects.filter(_unused(at)).filter(holds_some).values("pk")[:A_NIGHT]
    return Customer.objects.filter(pk__in=list(due.values_list("pk", flat=True))).update(
        name="", name_sort="", external_id="", attributes={}, address=None, gender="", age=None
    )


def emptied(at: datetime) -> QuerySet[Customer]:
    """Persons of whom nothing is held any more but their calls, for the apps that keep words about them."""
    return Customer.objects.filter(_unused(at), name="", external_id="", attributes={}, address__isnull=True)


def unused_since(at: datetime) -> datetime:
    """Whoever was last called before this is forgotten."""
    return at - UNUSED


def forget_phones(at: datetime) -> int:
    """Numbers of such persons, except of those who asked not to be called: their number must go on being refused."""
    asked = Suppression.objects.filter(customer=OuterRef("customer"), lifted_at=None, valid_to=None)
    unused = Customer.objects.filter(_unused(at), is_suppressed=False)
    due = Phone.objects.filter(customer__in=unused).exclude(Exists(asked)).values_list("pk", flat=True)[:A_NIGHT]
    return Phone.objects.filter(pk__in=list(due)).delete()[0]


def forget_tags(at: datetime) -> int:
    due = CustomerTag.objects.filter(customer__in=Customer.objects.filter(_unused(at))).values_list("pk", flat=True)
    return CustomerTag.objects.filter(pk__in=list(due[:A_NIGHT])).delete()[0]


def forget_quiet_times(at: datetime) -> int:
    due = QuietTime.objects.filter(customer__in=Customer.objects.filter(_unused(at))).values_list("pk", flat=True)
    return QuietTime.objects.filter(pk__in=list(due[:A_NIGHT])).delete()[0]


def forget_segment_members(at: datetime) -> int:
    """Segments that nobody has counted for a year keep their number and forget whom they counted."""
    return SegmentMembers.objects.filter(segment__counted_at__lt=at - UNCOUNTED).delete()[0]


def forget_merges(at: datetime) -> int:
    """What a merge moved and what was there before: as long as the merge can be undone."""
    due = Merge.objects.filter(moved__isnull=False).filter(Q(at__lt=at - UNDO) | Q(undone_at__lt=at - STAGED))
    return due.update(moved=None)


def forget_answers(at: datetime) -> int:
    """Words of answers, and what corrections replaced: as long as the person may still object to them."""
    due = PersonRequest.objects.filter(decided_at__lt=at - UNUSED)
    held = due.filter(Q(answer__isnull=False) | Q(evidence__isnull=False))
    return held.update(answer=None, evidence=None)


def forget_callers(at: datetime) -> int:
    """Who called a canary, once what came of it is three years old."""
    due = CanaryCall.objects.filter(settled_at__lt=at - UNUSED)
    return due.filter(Q(caller__isnull=False) | Q(finding__isnull=False)).update(caller=None, finding=None)


def evidence_until(persons: list[int]) -> datetime | None:
    """Until when the wording and the files of consents of a person who is erased prove something; None: nobody was ever contacted."""
    last = last_contact(persons)
    return last + PROVED if last else None


def settle_evidence(persons: list[int], at: datetime) -> tuple[datetime | None, int]:
    """Of a person who is erased: what proves the grounds of past calls stays for its time, and is destroyed when it proves nothing any more.
    That there was a ground, which and when, stays. Returns (kept until, or None, and how many files)."""
    until = evidence_until(persons)
    consents = Consent.objects.filter(customer__in=persons)
    proofs = ConsentFile.objects.filter(consent__in=consents)
    count = proofs.count()
    # bytes cannot be put back if this transaction fails: their time ends, and the next sweep takes them
    end = until if until and until > at else at
    PrivateFile.objects.filter(
        pk__in=proofs.values("file_id"), destroyed_at=None, keep_until__gt=end
    ).update(keep_until=end)  # fmt: skip
    if end > at:
        return until, count
    proofs.delete()
    pks = list(consents.values_list("pk", flat=True))
    # the one place where history is emptied: its old rows hold the words that are to go
    with (
        transaction.atomic(),
        pgtrigger.ignore("customers.Consent:update_update", "customers.ConsentEvent:append_only"),
    ):
        consents.exclude(evidence="").update(evidence="")
        apps.get_model("customers", "ConsentEvent")._default_manager.filter(pgh_obj__in=pks).exclude(
            evidence=""
        ).update(evidence="")
    return None, count


def forget_evidence(at: datetime) -> int:
    """Evidence of persons who were erased, when its time is over; and what points to files that are no longer there."""
    gone = PrivateFile.objects.filter(kind="customers.consent", destroyed_at__isnull=False)
    forgotten = ConsentFile.objects.filter(file_id__in=gone.values("pk")).delete()[0]
    held = Consent.objects.filter(~Q(evidence="") | Q(file__isnull=False))
    erased = PersonRequest.objects.filter(kind=PersonRequest.Kind.ERASE, state=PersonRequest.State.DONE)
    # most of them were tried so lately that nothing is over yet: their own rows say it, and no ledger is read each night
    erased = erased.filter(Q(customer__attempts=[]) | Q(customer__attempts__0__lte=at - PROVED))
    for pk in erased.filter(customer__in=held.values("customer")).values_list("customer", flat=True).distinct():
        until, _count = settle_evidence([pk, *former_ids(pk)], at)
        forgotten += until is None
    return forgotten


register(
    "customers.StagedRow",
    fields=StagedRow.PERSONAL_FIELDS,
    keep_for=STAGED,
    basis=_(
        "Needed until the list is committed and its rejects are repaired; then 7 days, and 30 of rows that changed a customer, so that the list can be taken back."
    ),
    apply=forget_staged_rows,
)
register(
    "customers.RegisterNumber",
    fields=RegisterNumber.PERSONAL_FIELDS,
    keep_for=UNDECIDED,
    basis=_("Needed until the register, or its last part, is in force; at most 30 days."),
    apply=forget_register_numbers,
)
register(
    "customers.RepairedRow",
    fields=RepairedRow.PERSONAL_FIELDS,
    keep_for=UNDECIDED,
    basis=_("Evidence of what a repair replaced, and what its undoing puts back; 30 days."),
    apply=forget_repaired_rows,
)
register(
    "customers.HeldRow",
    fields=HeldRow.PERSONAL_FIELDS,
    keep_for=HELD,
    basis=_(
        "A city's next list is told against it, so that it does not show that another city knows the number; one year."
    ),
    apply=forget_held_rows,
)
register(
    "customers.RowVerdict",
    fields=RowVerdict.PERSONAL_FIELDS,
    keep_for=UNDO,
    basis=_("The values before an update serve to undo the list; 30 days."),
    apply=forget_values_before,
)
register(
    "customers.Customer",
    fields=Customer.PERSONAL_FIELDS,
    keep_for=UNUSED,
    basis=_("As long as the person is called under a consent or contract; 3 years after the last use (PIPL art. 19)."),
    apply=forget_customers,
)
register(
    "customers.Phone",
    fields=Phone.PERSONAL_FIELDS,
    keep_for=UNUSED,
    basis=_("As the person; the number of somebody who asked not to be called stays, so that it can be refused."),
    apply=forget_phones,
)
register(
    "customers.CustomerTag",
    fields=CustomerTag.PERSONAL_FIELDS,
    keep_for=UNUSED,
    basis=_("As the person."),
    apply=forget_tags,
)
register(
    "customers.QuietTime",
    fields=QuietTime.PERSONAL_FIELDS,
    keep_for=UNUSED,
    basis=_("As the person: as long as somebody might call."),
    apply=forget_quiet_times,
)
register(
    "customers.SegmentMembers",
    fields=SegmentMembers.PERSONAL_FIELDS,
    keep_for=UNCOUNTED,
    basis=_("As long as the segment is used: until it is archived, and a year after it was last counted."),
    apply=forget_segment_members,
)
EVIDENCE = _(
    "Evidence of the ground on which people were called or asked not to be: kept as long as it can be asked for."
)
PROOF = _(
    "Evidence of the ground on which people were called: kept as long as it can be asked for. Of who was erased 3 years after the last contact (Civil Code art. 188), at once when there was none."
)
register("customers.Consent", fields=("evidence",), basis=PROOF)
register("customers.ConsentEvent", fields=("evidence",), basis=PROOF)
register(
    "customers.ConsentFile", fields=ConsentFile.PERSONAL_FIELDS, keep_for=PROVED, basis=PROOF, apply=forget_evidence
)
register("customers.GreyEntry", fields=GreyEntry.PERSONAL_FIELDS, basis=EVIDENCE)
register("customers.Suppression", fields=Suppression.PERSONAL_FIELDS, basis=EVIDENCE)
register("customers.SuppressionEvent", fields=Suppression.PERSONAL_FIELDS, basis=EVIDENCE)
register(
    "customers.PersonRequest",
    fields=PersonRequest.PERSONAL_FIELDS,
    keep_for=UNUSED,
    basis=_("Evidence of what a person was answered, 3 years after the answer; an erasing empties it at once."),
    apply=forget_answers,
)
register(
    "customers.Merge",
    fields=Merge.PERSONAL_FIELDS,
    keep_for=UNDO,
    basis=_("What a merge of two customers moved serves to undo it; 30 days, and 7 after it was undone."),
    apply=forget_merges,
)
register(
    "customers.CanaryCall",
    fields=CanaryCall.PERSONAL_FIELDS,
    keep_for=UNUSED,
    basis=_("Evidence of a leak: 3 years after it was looked into."),
    apply=forget_callers,
)
