"""Looks at experiments: at the sizes fixed beforehand the figures are frozen and judged, and what does harm is stopped."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from campaigns.models import Experiment
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
    experiment = Experiment.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=experiment_id)
    if experiment.state != Experiment.State.RUNNING:
        return None
    arms = list(experiment.arms.select_related("script_version__script", "offer", "scenario").order_by("number"))
    counts = trials.count_arms(experiment, arms)
    lines = trials.lines_of(experiment, arms, counts)
    last = experiment.looks_taken.order_by("-number").first()
    number = trials.look_due(experiment, lines, last.number if last else 0)
    if number is None:
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
