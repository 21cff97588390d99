"""What quality does in the background; each body is one service call."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext_lazy

from core.jobs import Run, handler, scheduled


@handler("qa.draw_waveform", label=gettext_lazy("Draw the waveform of a recording"))
def draw_waveform(run: Run) -> dict[str, Any]:
    from qa.services.waveforms import draw_waveform as work

    return work(run)


@handler("qa.cut_clip", label=gettext_lazy("Cut a clip out of a recording"))
def cut_clip(run: Run) -> dict[str, Any]:
    from qa.services.clips import cut_clip as work

    return work(run)


@handler("qa.date_recordings", label=gettext_lazy("Date recordings again by the rules for keeping them"))
def date_recordings(run: Run) -> dict[str, Any]:
    from qa.services.keeping import date_recordings as work

    return {"changed": work()}


@handler("qa.draw_sample", label=gettext_lazy("Draw calls by a sampling plan"), lease=timedelta(minutes=5))
def draw_sample(run: Run) -> dict[str, Any]:
    """args: plan, start (first day). Drawn before, it is not drawn again."""
    from qa.models import SamplingPlan
    from qa.services.sampling import draw_period as work

    with run.chunk(done=1, total=1):
        made = work(
            plan=SamplingPlan.objects.get(pk=run.args["plan"]),
            start=date.fromisoformat(run.args["start"]),
            at=run.now(),
        )
    return {"picks": made.picks.count(), "gaps": made.gaps.count()}


@scheduled(
    "qa.draw_samples", daily_at="01:10", label=gettext_lazy("Draw calls of all plans"), lease=timedelta(minutes=5)
)
def draw_samples(run: Run) -> dict[str, Any]:
    """The last whole period of every plan that is on; each in its own chunk."""
    from qa.models import SamplingPlan
    from qa.services import sampling

    due = sampling.draws_due(run.now())
    for plan_id, start in due:
        with run.chunk(done=1, total=len(due)):
            sampling.draw_period(plan=SamplingPlan.objects.get(pk=plan_id), start=start, at=run.now())
    return {"draws": len(due)}


@scheduled(
    "qa.tend_samples",
    every=timedelta(minutes=15),
    label=gettext_lazy("Keep the work of scorers whole"),
    lease=timedelta(minutes=5),
)
def tend_samples(run: Run) -> dict[str, Any]:
    """Deleted picks are replaced, and what lost its scorer or never had one gets another."""
    from qa.services import sampling

    found: dict[str, Any] = {}
    for name, verb in (
        ("replaced", sampling.replace_deleted),
        ("given", sampling.give_anew),
        ("shared", sampling.share_out),
    ):
        with run.chunk():
            found[name] = verb(at=run.now())
    return found


@scheduled(
    "qa.watch_full_runs",
    every=timedelta(minutes=5),
    label=gettext_lazy("Take the sheets of full runs at hours 2, 4 and 6"),
    lease=timedelta(minutes=5),
)
def watch_full_runs(run: Run) -> dict[str, Any]:
    """Each campaign in its own chunk; a sheet taken before is not taken again."""
    from qa.services import full_run

    due, made = full_run.watched(), 0
    for run_id in due:
        with run.chunk(done=1, total=len(due)):
            made += full_run.watch(run_id=run_id, at=run.now())
    return {"sheets": made}


@handler("qa.queue_trial", label=gettext_lazy("Queue the recordings of a trial call"), lease=timedelta(minutes=5))
def queue_trial(run: Run) -> dict[str, Any]:
    """args: review. Batch by batch; what is queued is not queued again."""
    from qa.models import GateReview
    from qa.services import reviews

    given = 0
    while True:
        with run.chunk():
            review = GateReview.objects.select_related("gate__campaign", "form").get(pk=run.args["review"])
            made = reviews.give_batch(review=review, at=run.now())
        given += made
        if not made:
            return {"given": given}
