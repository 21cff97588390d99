"""Looks at experiments: at the sizes fixed beforehand the figures are frozen and judged, and what does harm is stopped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Count

from campaigns.models import Experiment, ExperimentArm, ExperimentPerson
from campaigns.services.experiments import stop_arm
from core.audit import audit
from metrics import trials
from metrics.models import ExperimentLook


def running() -> list[int]:
    return list(Experiment.objects.running().order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def take_look(*, experiment_id: int, at: datetime) -> ExperimentLook | None:
    """Freeze, judge, stop the arms that do harm. None when no look is due; each look is taken once, and of several that have become due
    since the last only the latest: the earlier sizes have passed."""
    experiment = Experiment.objects.select_related("campaign").get(pk=experiment_id)
    arms = list(experiment.arms.select_related("script_version__script", "offer", "scenario").order_by("number"))
    last = _last_look(experiment)
    if experiment.state != Experiment.State.RUNNING or not _may_be_due(experiment, arms, last):
        return None
    # counted before anything is locked: an agent who meets somebody for the first time must not wait until a count is done
    counts = trials.count_arms(experiment, arms, at)
    lines = trials.lines_of(experiment, arms, counts)
    number = trials.look_due(experiment, lines, last.number if last else 0)
    if number is None or not _still_due(experiment, last):
        return None
    verdicts = trials.verdicts_at(experiment, lines, number, last.of_arms() if last else {})
    look = ExperimentLook.objects.create(
        experiment=experiment,
        number=number,
        taken_at=at,
        counts={str(arm): counted for arm, counted in counts.items()},
        verdicts={str(arm): said for arm, said in verdicts.items()},
    )
    audit(
        "metrics.look.taken", experiment, by=None, at=at, city_id=experiment.campaign.city_id,
        campaign_id=experiment.campaign_id, look=number, verdicts=sorted(verdicts.values()),
    )  # fmt: skip
    for arm in arms:
        if verdicts.get(arm.pk) in trials.HARMFUL and arm.stopped_at is None:
            stop_arm(arm=arm, why=verdicts[arm.pk], at=at)
    return look


def _last_look(experiment: Experiment) -> ExperimentLook | None:
    return experiment.looks_taken.order_by("-number").first()


def _may_be_due(experiment: Experiment, arms: Sequence[ExperimentArm], last: ExperimentLook | None) -> bool:
    """Whether a look is left and so many were met in every arm that goes on: who was not met does not count. One small query instead of
    all the calls."""
    following = last.number + 1 if last else 1
    if following > experiment.looks:
        return False
    rows = ExperimentPerson.objects.filter(experiment=experiment).values_list("arm").annotate(Count("pk"))
    met: dict[int, int] = dict(rows)
    return trials.least([met.get(arm.pk, 0) for arm in arms if arm.stopped_at is None]) >= trials.size_at(
        experiment, following
    )


def _still_due(experiment: Experiment, last: ExperimentLook | None) -> bool:
    """Lock the experiment, and see whether it was stopped or looked at while the figures were counted. Rows that point to it are let in."""
    locked = Experiment.objects.select_for_update(of=("self",), no_key=True).get(pk=experiment.pk)
    return locked.state == Experiment.State.RUNNING and _last_look(locked) == last
