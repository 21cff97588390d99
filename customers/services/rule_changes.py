"""Every change of a rule of contact: one person proposes, another decides. A rule is never overwritten: a change is a new version from a day on.

A tightening may hold at once by one person's hand; it is confirmed afterwards, or what held before comes back.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.calendar import business_date
from core.errors import DomainError, PermissionRefused
from customers import rules as may
from customers.models import ContactRule, RuleChange, RulePack, Segment
from customers.rule_values import clean_value, tightens, tightens_alone
from customers.services.segment_rules import SegmentElsewhere, check_key, check_marked
from customers.services.segments import make_ready_for_rules
from people.models import City, User

Kind, State = RuleChange.Kind, RuleChange.State


class RuleEndsBeforeItBegins(DomainError):
    """A change is dated before the version it changes."""


class ReasonMissing(DomainError):
    """Who decides must read why."""


class ChangeWaits(DomainError):
    """A change of this rule waits for a decision already."""


class NotStricter(DomainError):
    """Only a tightening may hold before a second person has approved it."""


class NothingChanges(DomainError):
    """The proposal says what holds already."""


class DecidedAlready(DomainError):
    """Somebody approved, refused or withdrew it meanwhile."""


# ---------------------------------------------------------------- proposing


@transaction.atomic
def propose_rule(
    *,
    pack: RulePack,
    key: str,
    value: dict[str, Any],
    severity: str,
    holds_from: date,
    reason: str,
    by: User,
    at: datetime,
    city: City | None = None,
    campaign_id: int | None = None,
    product_id: int | None = None,
    segment: Segment | None = None,
    basis: str = "",
    at_once: bool = False,
) -> RuleChange:
    """A rule that does not exist yet. That of a segment lies in the segment's city and narrows what holds for everybody.

    Raises PermissionRefused, BadRuleValue, ReasonMissing, NotStricter, ChangeWaits; of a segment NotOfPersons, SegmentNotReady,
    SegmentElsewhere.
    """
    city = _place_of(segment, city)
    _must(by, city.pk if city else None)
    value = clean_value(key, value)
    if segment is not None:
        check_key(key)
        segment = make_ready_for_rules(segment=segment, at=at)
    # two clicks of one form, or two persons with the same thought
    pack = RulePack.objects.select_for_update(of=("self",)).get(pk=pack.pk)
    same: dict[str, Any] = {
        "kind": Kind.ADD, "pack": pack, "key": key, "value": value, "severity": severity, "city": city, "campaign_id": campaign_id,
        "product_id": product_id, "segment": segment,
    }  # fmt: skip
    if RuleChange.objects.waiting().filter(**same).exists():
        raise ChangeWaits(_("The same rule waits for a decision already."))
    if at_once and not tightens_alone(key, value):
        raise NotStricter(_("Only what tightens may hold at once. This waits for a second person."))
    return _ask(RuleChange(**same, holds_from=holds_from, basis=basis.strip(), at_once=at_once), reason, by, at)


@transaction.atomic
def propose_change(
    *,
    rule: ContactRule,
    value: dict[str, Any],
    severity: str,
    holds_from: date,
    reason: str,
    by: User,
    at: datetime,
    basis: str = "",
    at_once: bool = False,
) -> RuleChange:
    """Another value of a rule, same key and scope.

    Raises PermissionRefused, BadRuleValue, ReasonMissing, NothingChanges, ChangeWaits, NotStricter; RuleEndsBeforeItBegins when the
    version is not yet in force by then, or has ended.
    """
    _must(by, rule.city_id)
    rule = _lock_rule(rule)
    value = clean_value(rule.key, value)
    if at_once and not tightens(rule.key, value, severity, rule.value, rule.severity):
        raise NotStricter(_("Only what tightens may hold at once. This waits for a second person."))
    if (value, severity, basis.strip()) == (rule.value, rule.severity, rule.basis):
        raise NothingChanges(_("This is what the rule says already."))
    change = _of_rule(Kind.CHANGE, rule, holds_from)
    change.value, change.severity, change.basis, change.at_once = value, severity, basis.strip(), at_once
    return _ask(change, reason, by, at)


@transaction.atomic
def propose_end(*, rule: ContactRule, holds_from: date, reason: str, by: User, at: datetime) -> RuleChange:
    """The rule shall hold until (not including) `holds_from`. Never at once, since that loosens.

    Raises PermissionRefused, ReasonMissing, ChangeWaits, RuleEndsBeforeItBegins.
    """
    _must(by, rule.city_id)
    return _ask(_of_rule(Kind.END, _lock_rule(rule), holds_from), reason, by, at)


def _place_of(segment: Segment | None, city: City | None) -> City | None:
    """A segment of a city takes its rules there, so that whoever sees the rule may see whom it binds."""
    if segment is None or segment.city is None:
        return city
    if city is not None and city.pk != segment.city_id:
        told = {"segment": segment.name, "city": segment.city.label}
        raise SegmentElsewhere(_("The segment %(segment)s lies in %(city)s; choose that city or none.") % told)
    return segment.city


def _must(by: User, city_id: int | None) -> None:
    """A rule of one city is proposed and decided by who may change rules and sees that city."""
    scope = by.scope()
    if not may.can_change_rules(by) or (city_id is not None and not scope.is_region and city_id not in scope.city_ids):
        raise PermissionRefused(_("Your role does not allow this."))


def _lock_rule(rule: ContactRule) -> ContactRule:
    return ContactRule.objects.select_for_update(of=("self",)).select_related("pack").get(pk=rule.pk)


def _of_rule(kind: str, rule: ContactRule, day: date) -> RuleChange:
    """A change of a locked version, everything else as it is."""
    if RuleChange.objects.waiting().filter(rule=rule).exists():
        raise ChangeWaits(_("A change of this rule waits for a decision already. Decide or withdraw that one first."))
    _check_end(rule, day)
    return RuleChange(
        kind=kind, rule=rule, pack=rule.pack, key=rule.key, value=rule.value, severity=rule.severity, city_id=rule.city_id,
        campaign_id=rule.campaign_id, product_id=rule.product_id, segment_id=rule.segment_id, basis=rule.basis, holds_from=day,
    )  # fmt: skip


def _ask(change: RuleChange, reason: str, by: User, at: datetime) -> RuleChange:
    change.reason = reason.strip()[:200]
    if not change.reason:
        raise ReasonMissing(_("Say why; whoever decides reads that."))
    change.asked_by, change.asked_at = by, at
    if change.at_once:
        check_marked(change.segment)
        change.holds_from = business_date(at)
        change.made = _write(change, change.holds_from, by, at)
    change.save()
    audit("customers.rule.proposed", change, by=by, at=at, city_id=change.city_id, **_told(change))
    return change


# ---------------------------------------------------------------- deciding


@transaction.atomic
def approve_change(*, change: RuleChange, by: User, at: datetime) -> RuleChange:
    """A second person lets it hold: from its day, or from today when that day has passed. What holds already is confirmed.

    Raises PermissionRefused (also for the own proposal), DecidedAlready; RuleEndsBeforeItBegins when the version ended meanwhile;
    SegmentNotReady while the customers of its segment are being marked.
    """
    change = _lock_to_decide(change, by)
    if not change.at_once:
        if change.kind != Kind.END:
            check_marked(change.segment)
        change.holds_from = max(change.holds_from, business_date(at))
        change.made = _write(change, change.holds_from, by, at)
    _settle(change, State.APPROVED, by, at)
    audit("customers.rule.approved", change, by=by, at=at, city_id=change.city_id, **_told(change))
    return change


@transaction.atomic
def refuse_change(*, change: RuleChange, by: User, at: datetime, reason: str) -> RuleChange:
    """It does not happen. What held at once by one hand ends with today, and what held before comes back tomorrow.

    Raises PermissionRefused (also for the own proposal), DecidedAlready, ReasonMissing.
    """
    change = _lock_to_decide(change, by)
    change.answer = reason.strip()[:200]
    if not change.answer:
        raise ReasonMissing(_("Say why it is refused."))
    if change.at_once:
        _take_back(change, by, at)
    _settle(change, State.REFUSED, by, at)
    audit("customers.rule.refused", change, by=by, at=at, city_id=change.city_id, **_told(change))
    return change


@transaction.atomic
def withdraw_change(*, change: RuleChange, by: User, at: datetime) -> RuleChange:
    """Who proposed it takes it back. What holds at once needs a second person for that as well. Raises PermissionRefused, DecidedAlready."""
    change = _lock_change(change)
    if change.asked_by_id != by.pk or change.at_once:
        raise PermissionRefused(_("Only who proposed a change withdraws it, and only before it holds."))
    change.state, change.decided_at = State.WITHDRAWN, at
    change.save(update_fields=["state", "decided_at"])
    audit("customers.rule.withdrawn", change, by=by, at=at, city_id=change.city_id, **_told(change))
    return change


def _lock_change(change: RuleChange) -> RuleChange:
    fresh = RuleChange.objects.select_for_update(of=("self",)).select_related("pack", "rule", "made").get(pk=change.pk)
    if fresh.state != State.ASKED:
        raise DecidedAlready(_("This change has been decided already."))
    return fresh


def _lock_to_decide(change: RuleChange, by: User) -> RuleChange:
    if change.asked_by_id == by.pk:
        raise PermissionRefused(_("A second person decides: you cannot decide on your own proposal."))
    _must(by, change.city_id)
    return _lock_change(change)


def _settle(change: RuleChange, state: str, by: User, at: datetime) -> None:
    change.state, change.decided_by, change.decided_at = state, by, at
    change.save(update_fields=["state", "decided_by", "decided_at", "answer", "holds_from", "made"])


def _take_back(change: RuleChange, by: User, at: datetime) -> None:
    """The version that held at once ends; the one before it is written again, as it was, for as long as it was to hold."""
    made = _lock_rule(change.made)  # type: ignore[arg-type]
    day = max(business_date(at), made.valid_from + timedelta(days=1))
    before = change.rule
    # changed or ended since then by two persons: that stands
    if made.valid_to and made.valid_to <= day:
        return
    back_until = made.valid_to
    _end(made, day, by, at)
    if before is not None:
        _version(before, made, before.value, before.severity, before.basis, day, back_until, by, at)


# ---------------------------------------------------------------- writing


def _write(change: RuleChange, day: date, by: User, at: datetime) -> ContactRule | None:
    """What the change makes of the rules; the version that comes out of it, None for an end."""
    if change.rule is None:
        made = ContactRule.objects.create(
            pack=change.pack, key=change.key, value=change.value, severity=change.severity, city_id=change.city_id,
            campaign_id=change.campaign_id, product_id=change.product_id, segment_id=change.segment_id, valid_from=day, basis=change.basis, changed_by=change.asked_by,
        )  # fmt: skip
        audit("customers.rule.added", made, by=by, at=at, city_id=made.city_id, **_said(made))
        return made
    before = _lock_rule(change.rule)
    until = before.valid_to
    _check_end(before, day)
    if change.kind == Kind.END:
        _end(before, day, by, at)
        return None
    before.valid_to = day
    before.save(update_fields=["valid_to"])
    return _version(before, before, change.value, change.severity, change.basis, day, until, change.asked_by, at)


def _version(
    before: ContactRule, after: ContactRule, value: dict[str, Any], severity: str, basis: str, day: date, until: date | None,
    by: User, at: datetime,
) -> ContactRule:  # fmt: skip
    """The next version of a rule, same key and scope: it follows `after`, and an end that was set already stays."""
    made = ContactRule.objects.create(
        pack_id=before.pack_id, key=before.key, value=value, severity=severity, city_id=before.city_id, campaign_id=before.campaign_id,
        product_id=before.product_id, segment_id=before.segment_id, valid_from=day, valid_to=until, basis=basis, supersedes=after, changed_by=by,
    )  # fmt: skip
    audit("customers.rule.changed", made, by=by, at=at, city_id=made.city_id, before=_said(after), **_said(made))
    return made


def _end(rule: ContactRule, day: date, by: User, at: datetime) -> None:
    rule.valid_to = day
    rule.save(update_fields=["valid_to"])
    audit("customers.rule.ended", rule, by=by, at=at, city_id=rule.city_id, **_said(rule))


def _check_end(rule: ContactRule, day: date) -> None:
    if day <= rule.valid_from:
        raise RuleEndsBeforeItBegins(
            _("This version holds from %(day)s; choose a later day.") % {"day": rule.valid_from.isoformat()}
        )
    if rule.valid_to and rule.valid_to <= day:
        raise RuleEndsBeforeItBegins(_("This version ends on %(day)s already.") % {"day": rule.valid_to.isoformat()})


def _said(rule: ContactRule) -> dict[str, Any]:
    """A rule as it stands in the audit trail."""
    return {
        "pack": rule.pack.code, "key": rule.key, "value": rule.value, "severity": rule.severity, "campaign_id": rule.campaign_id,
        "product_id": rule.product_id, "segment_id": rule.segment_id, "valid_from": rule.valid_from.isoformat(), "valid_to": rule.valid_to.isoformat() if rule.valid_to else None,
    }  # fmt: skip


def _told(change: RuleChange) -> dict[str, Any]:
    return {
        "kind": change.kind, "pack": change.pack.code, "key": change.key, "value": change.value, "severity": change.severity,
        "segment_id": change.segment_id, "holds_from": change.holds_from.isoformat(), "at_once": change.at_once, "proposed_by": change.asked_by_id, "version": change.made_id,
    }  # fmt: skip
