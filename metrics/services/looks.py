"""Looks at experiments: at the sizes fixed beforehand the figures are frozen and judged, and what does harm is stopped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, QuerySet

from campaigns.models import Experiment, ExperimentArm, ExperimentPerson
from campaigns.services.experiments import stop_arm
from core.audit import audit
from metrics import trials
from metrics.models import ExperimentLook
from metrics.trials import Line


def running() -> list[int]:
    return list(Experiment.objects.running().order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def take_look(*, experiment_id: int, at: datetime) -> ExperimentLook | None:
    """Freeze, judge, stop the arms that do harm. None when no look is due; each look is taken once, and of several that have become due
    since the last only the latest: the earlier sizes have passed. Where the figures must ripen, complaints are looked at before."""
    experiment = Experiment.objects.select_related("campaign").get(pk=experiment_id)
    arms = list(experiment.arms.select_related("script_version__script", "offer", "scenario").order_by("number"))
    last = _last_look(experiment)
    if experiment.state != Experiment.State.RUNNING or not _may_be_due(experiment, arms, last, at):
        return None
    # counted before anything is locked: an agent who meets somebody for the first time must not wait until a count is done
    counts = trials.count_arms(experiment, arms, at)
    lines = trials.lines_of(experiment, arms, counts)
    complaints = trials.complaints_due(experiment, lines)
    number = trials.look_due(experiment, lines, last.number if last else 0)
    if (complaints is None and number is None) or not _still_due(experiment, last):
        return None
    if complaints is not None:
        _look_at_complaints(experiment, lines, complaints, at)
    return _judge(experiment, lines, number, last, at) if number is not None else None


def _look_at_complaints(experiment: Experiment, lines: Sequence[Line], number: int, at: datetime) -> None:
    Experiment.objects.filter(pk=experiment.pk).update(complaints_looked_at=number)
    first, *others = lines
    for line in others:
        if line.arm.stopped_at is None and trials.complains_more(line, first, experiment):
            stop_arm(arm=line.arm, why=trials.COMPLAINTS, at=at)
            line.arm.stopped_at, line.arm.stopped_for = at, trials.COMPLAINTS


def _judge(
    experiment: Experiment, lines: Sequence[Line], number: int, last: ExperimentLook | None, at: datetime
) -> ExperimentLook:
    verdicts = trials.verdicts_at(experiment, lines, number, last.of_arms() if last else {})
    look = ExperimentLook.objects.create(
        experiment=experiment,
        number=number,
        taken_at=at,
        counts={str(line.arm.pk): dict(line.counts) for line in lines},
        verdicts={str(arm): said for arm, said in verdicts.items()},
    )
    audit(
        "metrics.look.taken", experiment, by=None, at=at, city_id=experiment.campaign.city_id,
        campaign_id=experiment.campaign_id, look=number, verdicts=sorted(verdicts.values()),
    )  # fmt: skip
    for line in lines:
        if verdicts.get(line.arm.pk) in trials.HARMFUL and line.arm.stopped_at is None:
            stop_arm(arm=line.arm, why=verdicts[line.arm.pk], at=at)
    return look


def _last_look(experiment: Experiment) -> ExperimentLook | None:
    return experiment.looks_taken.order_by("-number").first()


def _may_be_due(
    experiment: Experiment, arms: Sequence[ExperimentArm], last: ExperimentLook | None, at: datetime
) -> bool:
    """Whether so many were met in every arm that goes on, and long enough ago: who was not met does not count. Small queries instead of all
    the calls."""
    met = ExperimentPerson.objects.filter(experiment=experiment)
    ripe = met.filter(met_at__lte=at - timedelta(days=trials.matures_days(experiment)))
    waits_for_complaints = trials.looks_at_complaints(experiment)
    return _reach(ripe, arms, experiment, last.number + 1 if last else 1) or (
        waits_for_complaints and _reach(met, arms, experiment, experiment.complaints_looked_at + 1)
    )


def _reach(
    persons: QuerySet[ExperimentPerson], arms: Sequence[ExperimentArm], experiment: Experiment, look: int
) -> bool:
    if look > experiment.looks:
        return False
    counted: dict[int, int] = dict(persons.values_list("arm").annotate(Count("pk")))
    smallest = trials.least(counted.get(arm.pk, 0) for arm in arms if arm.stopped_at is None)
    return smallest >= trials.size_at(experiment, look)


def _still_due(experiment: Experiment, last: ExperimentLook | None) -> bool:
    """Lock the experiment, and see whether it was stopped or looked at while the figures were counted. Rows that point to it are let in."""
    locked = Experiment.objects.select_for_update(of=("self",), no_key=True).get(pk=experiment.pk)
    is_as_it_was = locked.complaints_looked_at == experiment.complaints_looked_at and _last_look(locked) == last
    return locked.state == Experiment.State.RUNNING and is_as_it_was
