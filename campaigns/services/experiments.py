"""Verbs of experiments: plan, start, stop an arm or the whole, decide. Who meets which arm is drawn in services.arms; figures are judged above."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Campaign, Experiment, ExperimentArm
from campaigns.models.experiments import MOST_ARMS
from core.audit import audit
from core.calendar import business_date
from core.errors import DomainError
from core.stats import sample_with_looks
from people.models import User
from scripts.models import Offer, Scenario, Script, ScriptVersion
from scripts.services import make_live
from scripts.services_scenarios import set_scenario_status
from scripts.staying import locked

State, Kind = Experiment.State, Experiment.Kind
FIELD = {Kind.SCRIPT: "script_version", Kind.OFFER: "offer", Kind.SCENARIO: "scenario"}


class ExperimentIncomplete(DomainError):
    """Something is missing before it can be saved or started."""


class ExperimentBegun(DomainError):
    """What was fixed beforehand is not changed any more."""


class AnotherExperimentRuns(DomainError):
    """A call keeps one arm, so a campaign runs one experiment at a time."""


class ExperimentOver(DomainError):
    """It is not in the state from which this step leads on."""


class ArmStopped(DomainError):
    """An arm that was stopped because it did harm is not adopted."""


@dataclass(frozen=True)
class ArmPlan:
    """What an arm shows and which share of the persons meets it, in percent."""

    thing: ScriptVersion | Offer | Scenario
    share: int


@transaction.atomic
def save_experiment(*, experiment: Experiment, arms: Sequence[ArmPlan], by: User, at: datetime) -> Experiment:
    """Store a new experiment or a changed draft with its arms, the first being what the others are compared with.

    `per_arm` 0 or None: as many persons as tell the smallest difference worth having (power 80 %, 5 %). Raises ExperimentIncomplete, ExperimentBegun.
    """
    if experiment.pk:
        _in_state(experiment, State.DRAFT)
    else:
        experiment.seed, experiment.created_by, experiment.created_at = secrets.randbits(62), by, at
    _check_arms(experiment, arms)
    experiment.per_arm = experiment.per_arm or persons_needed(experiment, len(arms))
    if experiment.per_arm < experiment.looks:
        raise ExperimentIncomplete(_("There must be at least as many persons an arm as looks."))
    experiment.save()
    experiment.arms.all().delete()
    name = FIELD[Kind(experiment.kind)]
    ExperimentArm.objects.bulk_create(
        ExperimentArm(experiment=experiment, number=number, share=arm.share, **{name: arm.thing})
        for number, arm in enumerate(arms, start=1)
    )
    audit(
        "campaigns.experiment.saved", experiment, by=by, at=at, city_id=experiment.campaign.city_id,
        campaign_id=experiment.campaign_id, arms=len(arms), per_arm=experiment.per_arm,
    )  # fmt: skip
    return experiment


def persons_needed(experiment: Experiment, arms: int) -> int:
    """Persons an arm at the last look, to see the smallest difference worth having from the rate as it is now. Raises ExperimentIncomplete."""
    usual, step = float(experiment.usual_percent) / 100, float(experiment.smallest_points) / 100
    hoped = usual - step if experiment.fewer_is_better else usual + step
    if not 0 < hoped < 1:
        raise ExperimentIncomplete(_("From the rate as it is now this difference cannot be reached."))
    # a very large difference shows after a few persons: every look needs one of its own all the same
    return max(experiment.looks, sample_with_looks(usual, hoped, looks=experiment.looks, comparisons=arms - 1))


def _check_arms(experiment: Experiment, arms: Sequence[ArmPlan]) -> None:
    if not 2 <= len(arms) <= MOST_ARMS:
        raise ExperimentIncomplete(_("An experiment compares two to four arms."))
    if len({arm.thing.pk for arm in arms}) < len(arms):
        raise ExperimentIncomplete(_("Two arms are the same."))
    if any(arm.share < 1 for arm in arms) or sum(arm.share for arm in arms) != 100:
        raise ExperimentIncomplete(_("The shares of the arms must sum to 100."))
    for arm in arms:
        _check_product(arm.thing, experiment.campaign)


@transaction.atomic
def discard_experiment(*, experiment: Experiment, by: User, at: datetime) -> None:
    """Throw a draft away. Raises ExperimentBegun: what has begun stays, with what came of it."""
    experiment = _in_state(experiment, State.DRAFT)
    audit(
        "campaigns.experiment.discarded", experiment, by=by, at=at, city_id=experiment.campaign.city_id,
        campaign_id=experiment.campaign_id, name=experiment.name,
    )  # fmt: skip
    experiment.delete()


@transaction.atomic
def start_experiment(*, experiment: Experiment, by: User, at: datetime) -> Experiment:
    """From now on persons are drawn into arms. Raises ExperimentOver, ExperimentIncomplete, AnotherExperimentRuns."""
    experiment = _in_state(experiment, State.DRAFT)
    arms = experiment.arms.select_related("script_version", "offer", "scenario")
    shown = [_usable(arm, at) for arm in sorted(arms, key=_id_of)]
    campaign = Campaign.objects.select_for_update(of=("self",), no_key=True).get(pk=experiment.campaign_id)
    if campaign.stage not in Campaign.CALLING:
        raise ExperimentIncomplete(_("The campaign is not in a calling stage: there is nobody to compare."))
    running = Experiment.objects.running().filter(campaign=campaign).first()
    if running is not None:
        raise AnotherExperimentRuns(
            _("%(experiment)s is running in this campaign. Stop it first: a call keeps one arm.")
            % {"experiment": running.name}
        )
    for thing in shown:
        _check_product(thing, campaign)
    experiment.state, experiment.started_by, experiment.started_at = State.RUNNING, by, at
    experiment.save(update_fields=["state", "started_by", "started_at"])
    Campaign.objects.filter(pk=campaign.pk).update(has_experiment=True)
    _tell("started", experiment, by, at)
    return experiment


def _id_of(arm: ExperimentArm) -> int:
    """In this order they are locked, whoever starts what."""
    return arm.script_version_id or arm.offer_id or arm.scenario_id or 0


def _usable(arm: ExperimentArm, at: datetime) -> ScriptVersion | Offer | Scenario:
    """What the arm shows: approved, valid today, or on its way into use. Locked, so that it stays so: a script before its version, and both
    before a campaign, as scripts do. Raises ExperimentIncomplete."""
    assert arm.thing is not None  # an arm is one thing: a constraint
    if arm.script_version is not None:
        Script.objects.select_for_update(no_key=True).get(pk=arm.script_version.script_id)
    thing = locked(arm.thing)
    if isinstance(thing, ScriptVersion):
        usable = thing.status in ScriptVersion.USABLE
    elif isinstance(thing, Offer):
        usable = Offer.objects.valid_on(business_date(at)).filter(pk=thing.pk).exists()
    else:
        usable = thing.status in (Scenario.Status.PILOT, Scenario.Status.IN_USE)
    if not usable:
        raise ExperimentIncomplete(_("%(arm)s may not be used in calls at present.") % {"arm": thing})
    return thing


def _check_product(thing: ScriptVersion | Offer | Scenario, campaign: Campaign) -> None:
    product = thing.script.product_id if isinstance(thing, ScriptVersion) else thing.product_id
    if product != campaign.product_id:
        raise ExperimentIncomplete(_("%(arm)s is not for the product of the campaign.") % {"arm": thing})


@transaction.atomic
def stop_experiment(*, experiment: Experiment, reason: str, by: User | None, at: datetime) -> Experiment:
    """Nobody is drawn any more; everybody goes on with what the campaign has. Raises ExperimentOver."""
    experiment = _in_state(experiment, State.RUNNING)
    _end(experiment, reason, by, at)
    _tell("stopped", experiment, by, at)
    return experiment


def _end(experiment: Experiment, reason: str, by: User | None, at: datetime) -> None:
    experiment.state, experiment.ended_by, experiment.ended_at = State.STOPPED, by, at
    experiment.reason = reason.strip()[:500]
    experiment.save(update_fields=["state", "ended_by", "ended_at", "reason"])
    Campaign.objects.filter(pk=experiment.campaign_id).update(has_experiment=False)


@transaction.atomic
def stop_arm(*, arm: ExperimentArm, why: str, at: datetime) -> None:
    """At a look an arm proved clearly worse: nobody is drawn into it any more, and who is in it goes on with what the campaign has. When only
    the first arm is left the experiment stops. Nothing happens to an arm that is stopped already."""
    experiment = Experiment.objects.select_for_update(of=("self",), no_key=True).get(pk=arm.experiment_id)
    if experiment.state != State.RUNNING:
        return
    stopped = ExperimentArm.objects.filter(pk=arm.pk, stopped_at=None).update(stopped_at=at, stopped_for=why)
    if not stopped:
        return
    audit(
        "campaigns.experiment.arm_stopped", experiment, by=None, at=at, city_id=experiment.campaign.city_id,
        campaign_id=experiment.campaign_id, arm=arm.number, why=str(why),
    )  # fmt: skip
    if experiment.arms.filter(stopped_at=None).count() < 2:
        _end(experiment, "", None, at)
        _tell("stopped", experiment, None, at)


@transaction.atomic
def decide_experiment(
    *, experiment: Experiment, arm: ExperimentArm | None, reason: str, by: User, at: datetime
) -> Experiment:
    """The end: adopt an arm (its script version becomes the one in force and the campaign's, its offer the campaign's, its scenario is in use),
    or None: keep as it is. A running experiment is stopped by it. Raises ExperimentOver, ExperimentIncomplete (also when the arm may not be used any more),
    ArmStopped, and what make_live and set_scenario_status raise.
    """
    experiment = _in_state(experiment, State.RUNNING, State.STOPPED)
    if not reason.strip():
        raise ExperimentIncomplete(_("Say why you decide so."))
    arm = experiment.arms.get(pk=arm.pk) if arm is not None else None
    if arm is not None and arm.stopped_for:
        raise ArmStopped(_("This arm was stopped because it did harm. It is not adopted."))
    thing = _usable(arm, at) if arm is not None else None
    if isinstance(thing, ScriptVersion):
        # versions before campaigns, as whoever changes a campaign locks them
        list(Script.objects.select_for_update(no_key=True).filter(pk=thing.script_id))
        list(ScriptVersion.objects.select_for_update(no_key=True).filter(script=thing.script_id).order_by("pk"))
    if experiment.state == State.RUNNING:
        _end(experiment, "", by, at)
    if thing is not None:
        _adopt(thing, experiment, by, at)
    experiment.state, experiment.adopted, experiment.reason = State.DECIDED, arm, reason.strip()[:500]
    experiment.decided_by, experiment.decided_at = by, at
    experiment.save(update_fields=["state", "adopted", "reason", "decided_by", "decided_at"])
    audit(
        "campaigns.experiment.decided", experiment, by=by, at=at, city_id=experiment.campaign.city_id,
        campaign_id=experiment.campaign_id, adopted=arm.number if arm else None,
    )  # fmt: skip
    return experiment


def _adopt(thing: ScriptVersion | Offer | Scenario, experiment: Experiment, by: User, at: datetime) -> None:
    # the version first, then the campaign: make_live locks in that order what it moves
    if isinstance(thing, ScriptVersion) and thing.status != ScriptVersion.Status.LIVE:
        make_live(version=thing, by=by, at=at)
    campaign = Campaign.objects.select_for_update(of=("self",), no_key=True).get(pk=experiment.campaign_id)
    _check_product(thing, campaign)
    if isinstance(thing, ScriptVersion):
        campaign.script_id, campaign.script_version_id = thing.script_id, thing.pk
        campaign.save(update_fields=["script", "script_version"])
    elif isinstance(thing, Offer):
        campaign.offer_id = thing.pk
        campaign.save(update_fields=["offer"])
    else:
        set_scenario_status(scenario=thing, status=Scenario.Status.IN_USE, by=by, at=at)
        return
    audit("campaigns.campaign.changed", campaign, by=by, at=at, experiment_id=experiment.pk)


def _in_state(experiment: Experiment, *states: str) -> Experiment:
    fresh = (
        Experiment.objects.select_for_update(of=("self",), no_key=True).select_related("campaign").get(pk=experiment.pk)
    )
    if fresh.state in states:
        return fresh
    if states == (State.DRAFT,):
        raise ExperimentBegun(_("This experiment has begun: what was fixed beforehand is not changed any more."))
    raise ExperimentOver(
        _("This experiment is in the state %(state)s now. Reload the page to see what can be done with it.")
        % {"state": fresh.get_state_display()}
    )


def _tell(deed: str, experiment: Experiment, by: User | None, at: datetime) -> None:
    action = "campaigns.experiment.started" if deed == "started" else "campaigns.experiment.stopped"
    audit(action, experiment, by=by, at=at, city_id=experiment.campaign.city_id, campaign_id=experiment.campaign_id)
