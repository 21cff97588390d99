"""Verbs of planning: a campaign, its switch, its teams and retry rules, and the gates before its stages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns import rules
from campaigns.models import Campaign, CampaignTeam, Disposition, Gate, RetryRule
from campaigns.services import maps
from campaigns.signals import gate_deciding, gate_overridden, stage_entering
from core.audit import audit
from core.errors import DomainError
from customers.models import RulePack
from people.models import Team, User
from scripts.models import Product, ScriptVersion
from scripts.services_products import save_product

Stage = Campaign.Stage
OWN_VERBS = {"id", "stage", "is_on", "has_experiment", "created_by", "created_at"}


class GateClosed(DomainError):
    """The stage is guarded by a gate that is not passed."""


class GateOpen(DomainError):
    """What opened the gate stays."""


class NotReady(DomainError):
    """Something that calling needs is missing."""


class WrongStage(DomainError):
    """The campaign is not in the stage from which this leads on."""


class OverrideRefused(DomainError):
    """An override needs a reason and a second person."""


class RulesDoNotFit(DomainError):
    """The bound rules forbid this."""


class ExperimentRuns(DomainError):
    """An experiment compares for the product that the campaign has."""


# Result, delay in minutes, most attempts: what a new campaign starts with, each editable.
DEFAULT_RETRIES = (
    ("no_answer", 240, 6),
    ("busy", 30, 6),
    ("switched_off", 1440, 4),
    ("considering", 2880, 4),
    ("family", 2880, 4),
    ("decision_maker_absent", 1440, 5),
)


@transaction.atomic
def plan_campaign(*, campaign: Campaign, packs: Iterable[RulePack], by: User, at: datetime) -> Campaign:
    """Store a new campaign in stage planned, with a pending gate before every later stage and the usual retry rules."""
    campaign.created_by = by
    campaign.stage = Stage.PLANNED
    campaign.save()
    bind_packs(campaign=campaign, packs=packs, by=by, at=at)
    Gate.objects.bulk_create([Gate(campaign=campaign, stage=stage) for stage in Campaign.ORDER[1:]])
    known = {d.code: d for d in Disposition.objects.common()}
    RetryRule.objects.bulk_create(
        RetryRule(campaign=campaign, disposition=known[code], delay_minutes=delay, most_attempts=most)
        for code, delay, most in DEFAULT_RETRIES
    )
    audit("campaigns.campaign.planned", campaign, by=by, at=at, code=campaign.code)
    return campaign


@transaction.atomic
def keep_history(*, code: str, by: User, at: datetime) -> Campaign:
    """A campaign that only holds what was called elsewhere, with a product of its own name when there is none: nothing is called from it."""
    product = Product.objects.filter(code=code).first() or save_product(
        product=Product(code=code, name=code), by=by, at=at
    )
    campaign = Campaign.objects.create(
        code=code, name=code, product=product, stage=Stage.HISTORY, is_on=False, created_by=by, created_at=at
    )
    audit("campaigns.campaign.planned", campaign, by=by, at=at, code=code, stage=Stage.HISTORY)
    return campaign


@transaction.atomic
def change_campaign(
    *, campaign: Campaign, packs: Iterable[RulePack], by: User, at: datetime, changed: Iterable[str] | None = None
) -> Campaign:
    """Store what is other than it stands; stage, switch and experiments have verbs of their own and are left as they are now.

    `changed`: only these facts, as far as the planner touched them: what others changed under the open page stays (a script version
    adopted meanwhile, say). None: all. Raises NotReady when a campaign that calls would lose its script, ExperimentRuns when the
    product would change under an experiment, RulesDoNotFit.
    """
    touched = None if changed is None else set(changed)
    _usable_version(campaign, touched)
    stands = Campaign.objects.select_for_update(of=("self",), no_key=True).get(pk=campaign.pk)
    found = [
        field.name
        for field in stands._meta.concrete_fields
        if field.name not in OWN_VERBS
        and (touched is None or field.name in touched)
        and getattr(stands, field.attname) != getattr(campaign, field.attname)
    ]
    if "product" in found:
        _check_not_compared(stands)
    for name in found:
        setattr(stands, name, getattr(campaign, name))
    if stands.script_version is not None and "script_version" in found and stands.script_id is None:
        stands.script_id, found = stands.script_version.script_id, [*found, "script"]
    if stands.stage in Campaign.CALLING and stands.script_version_id is None and "script_version" in found:
        raise NotReady(_("This campaign is calling: it needs a script version."))
    stands.save(update_fields=found)
    kept = touched is not None and "packs" not in touched
    bind_packs(campaign=stands, packs=stands.packs.all() if kept else packs, by=by, at=at)
    audit("campaigns.campaign.changed", stands, by=by, at=at, fields=found)
    return stands


def _usable_version(campaign: Campaign, touched: set[str] | None) -> None:
    """A version that is chosen anew may be used in calls, and is not retired before this is stored: versions are locked before campaigns."""
    wanted = campaign.script_version_id
    if wanted is None or (touched is not None and "script_version" not in touched):
        return
    if Campaign.objects.filter(pk=campaign.pk, script_version=wanted).exists():
        return
    version = ScriptVersion.objects.select_for_update(no_key=True).get(pk=wanted)
    if version.status not in ScriptVersion.USABLE:
        raise NotReady(
            _("Version %(number)s of this script is %(status)s now. Choose another.")
            % {"number": version.number, "status": version.get_status_display()}
        )


def _check_not_compared(campaign: Campaign) -> None:
    running = campaign.experiments.running().first()
    if running is not None:
        raise ExperimentRuns(
            _("The experiment “%(experiment)s” is running for the product of this campaign. Stop it first.")
            % {"experiment": running.name}
        )


@transaction.atomic
def bind_packs(*, campaign: Campaign, packs: Iterable[RulePack], by: User, at: datetime) -> None:
    """Bind rule packs; the strictest of all wins. Raises RulesDoNotFit for a simulator's pack on a real telephone."""
    packs = list(packs)
    only_simulated = [pack.code for pack in packs if pack.simulator_only]
    if only_simulated and campaign.telephony != Campaign.Telephony.SIMULATOR:
        raise RulesDoNotFit(
            _(
                "The rule pack %(packs)s is for the simulated telephone only. Choose another pack, or the simulated telephone."
            )
            % {"packs": ", ".join(only_simulated)}
        )
    before = set(campaign.packs.values_list("code", flat=True))
    campaign.packs.set(packs)
    after = {pack.code for pack in packs}
    if before != after:
        audit("campaigns.campaign.packs_bound", campaign, by=by, at=at, before=sorted(before), after=sorted(after))


@transaction.atomic
def switch_campaign(*, campaign: Campaign, is_on: bool, reason: str, by: User, at: datetime) -> Campaign:
    """Stop a campaign at once, or let it go on. Leads in hand are refused at the dial."""
    Campaign.objects.filter(pk=campaign.pk).update(is_on=is_on)
    campaign.is_on = is_on
    audit("campaigns.campaign.switched", campaign, by=by, at=at, is_on=is_on, reason=reason)
    return campaign


@transaction.atomic
def set_teams(
    *, campaign: Campaign, teams: Iterable[Team], by: User, at: datetime, offered: Iterable[Team] | None = None
) -> None:
    """Let exactly these teams work on the campaign. With `offered`, teams outside of it stay as they are: nobody removes what he cannot see."""
    wanted = {team.pk for team in teams}
    there = set(campaign.team_links.values_list("team", flat=True))
    gone = (there if offered is None else there & {team.pk for team in offered}) - wanted
    CampaignTeam.objects.filter(campaign=campaign, team__in=gone).delete()
    CampaignTeam.objects.bulk_create(CampaignTeam(campaign=campaign, team_id=pk) for pk in sorted(wanted - there))
    if gone or wanted - there:
        added = sorted(wanted - there)
        audit("campaigns.campaign.teams_set", campaign, by=by, at=at, added=added, removed=sorted(gone))


@transaction.atomic
def set_retry_rule(
    *, campaign: Campaign, disposition: Disposition, delay_minutes: int, most_attempts: int, by: User, at: datetime
) -> RetryRule:
    """Set delay and most attempts after a result; leads already waiting keep their time."""
    rule, _made = RetryRule.objects.update_or_create(
        campaign=campaign,
        disposition=disposition,
        defaults={"delay_minutes": delay_minutes, "most_attempts": most_attempts},
    )
    audit(
        "campaigns.retry_rule.set",
        campaign,
        by=by,
        at=at,
        result=disposition.code,
        delay_minutes=delay_minutes,
        most_attempts=most_attempts,
    )
    return rule


@transaction.atomic
def decide_gate(*, gate: Gate, passed: bool, reason: str, by: User, at: datetime) -> Gate:
    """Pass a gate, or send the campaign back with a reason; a gate passed twice keeps its first answer.
    Those before the trial call and the full run are decided by closing their review. Raises GateClosed, GateOpen."""
    gate = Gate.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=gate.pk)
    if gate.status == Gate.Status.PASSED and passed:
        return gate
    if gate.status == Gate.Status.OVERRIDDEN:
        raise GateOpen(_("This gate was overridden, which is shown with the campaign for ever."))
    if _is_behind(gate):
        raise GateOpen(_("The campaign has gone through this gate already."))
    if not passed and not reason.strip():
        raise GateClosed(_("Say what has to be changed before this gate can be passed."))
    if gate.is_reviewed:
        gate_deciding.send(sender=Gate, gate=gate, passed=passed, by=by, at=at)
    gate.status = Gate.Status.PASSED if passed else Gate.Status.REFUSED
    gate.reason, gate.decided_by, gate.second_by, gate.decided_at = reason, by, None, at
    gate.save(update_fields=["status", "reason", "decided_by", "second_by", "decided_at"])
    audit(
        "campaigns.gate.decided",
        gate,
        by=by,
        at=at,
        campaign=gate.campaign.code,
        stage=gate.stage,
        passed=passed,
        reason=reason,
    )
    return gate


def _is_behind(gate: Gate) -> bool:
    """Whether the campaign stands in the stage it guards, or after it; the gate was open then."""
    order = Campaign.ORDER
    is_open = gate.status == Gate.Status.PASSED and gate.campaign.stage in order
    return is_open and order.index(Stage(gate.campaign.stage)) >= order.index(Stage(gate.stage))


@transaction.atomic
def ask_override(*, gate: Gate, reason: str, by: User, at: datetime) -> Gate:
    """Ask that a gate be overridden. It stays closed until a second person confirms. Raises OverrideRefused."""
    gate = Gate.objects.select_for_update().get(pk=gate.pk)
    if not reason.strip():
        raise OverrideRefused(_("An override needs a reason; it is shown with the campaign for ever."))
    if gate.status in (Gate.Status.PASSED, Gate.Status.OVERRIDDEN):
        raise OverrideRefused(_("This gate is open already."))
    gate.status, gate.reason, gate.decided_by, gate.second_by, gate.decided_at = (
        Gate.Status.PENDING,
        reason,
        by,
        None,
        None,
    )
    gate.save(update_fields=["status", "reason", "decided_by", "second_by", "decided_at"])
    audit(
        "campaigns.gate.override_asked",
        gate,
        by=by,
        at=at,
        campaign=gate.campaign.code,
        stage=gate.stage,
        reason=reason,
    )
    return gate


@transaction.atomic
def confirm_override(*, gate: Gate, by: User, at: datetime) -> Gate:
    """Open a gate on the word of a second person. Raises OverrideRefused."""
    gate = Gate.objects.select_for_update().get(pk=gate.pk)
    if gate.status != Gate.Status.PENDING or not gate.reason or gate.decided_by_id is None:
        raise OverrideRefused(_("Nobody has asked to override this gate."))
    if not rules.can_confirm_override(by, gate):
        raise OverrideRefused(_("An override is confirmed by another person than the one who asked for it."))
    gate.status, gate.second_by, gate.decided_at = Gate.Status.OVERRIDDEN, by, at
    gate.save(update_fields=["status", "second_by", "decided_at"])
    audit(
        "campaigns.gate.overridden",
        gate,
        by=by,
        at=at,
        campaign=gate.campaign.code,
        stage=gate.stage,
        asked_by=gate.decided_by_id,
    )
    gate_overridden.send(sender=Gate, gate=gate, by=by, at=at)
    return gate


@transaction.atomic
def enter_stage(*, campaign: Campaign, stage: str, by: User, at: datetime) -> Campaign:
    """Move a campaign one stage on. Raises WrongStage, GateClosed, NotReady; a review may refuse what it did not see."""
    campaign = Campaign.objects.select_for_update(of=("self",)).select_related("script_version").get(pk=campaign.pk)
    if stage != next_stage(campaign):
        raise WrongStage(
            _("The campaign is in stage %(stage)s; it cannot go to %(wanted)s from there.")
            % {"stage": campaign.get_stage_display(), "wanted": Stage(stage).label}
        )
    gate = Gate.objects.filter(campaign=campaign, stage=stage).first()
    if gate is None or gate.status not in (Gate.Status.PASSED, Gate.Status.OVERRIDDEN):
        raise GateClosed(_("The gate before %(stage)s is not passed yet.") % {"stage": Stage(stage).label})
    gate.campaign = campaign
    if gate.is_reviewed:
        stage_entering.send(sender=Gate, gate=gate, by=by, at=at)
    if stage in Campaign.CALLING and (missing := missing_for_calling(campaign)):
        raise NotReady(_("Before the first call: %(missing)s.") % {"missing": "; ".join(missing)})
    campaign.stage = stage
    campaign.save(update_fields=["stage"])
    audit("campaigns.campaign.stage_entered", campaign, by=by, at=at, stage=str(stage))
    if stage == Stage.CLOSED:
        maps.archive_with_campaign(campaign=campaign, by=by, at=at)
    return campaign


def next_stage(campaign: Campaign) -> str | None:
    """The stage after the present one; None at the end, and for imported history."""
    if campaign.stage not in Campaign.ORDER[:-1]:
        return None
    return Campaign.ORDER[Campaign.ORDER.index(Stage(campaign.stage)) + 1]


def missing_for_calling(campaign: Campaign) -> list[str]:
    """What calling still needs, in words."""
    version = campaign.script_version
    found = [
        (version is None or version.status not in version.USABLE, _("choose an approved script version")),
        (not campaign.packs.exists(), _("bind at least one rule pack")),
        (not campaign.team_links.exists(), _("choose the teams that call")),
    ]
    return [sentence for is_missing, sentence in found if is_missing]
