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
    "qa.draw_doubles",
    daily_at="01:40",
    label=gettext_lazy("Draw calls for a second scorer"),
    lease=timedelta(minutes=5),
)
def draw_doubles(run: Run) -> dict[str, Any]:
    """Days that are over and not drawn; each in its own chunk. What waits for a scorer who has left waits no longer."""
    from qa.services import calibration, doubles

    due, picked = doubles.days_due(run.now()), 0
    for day in due:
        with run.chunk(done=1, total=len(due)):
            picked += doubles.draw_day(day=day, at=run.now()).picked
    with run.chunk():
        left = calibration.settle(at=run.now()) + doubles.settle(at=run.now())
    return {"days": len(due), "picked": picked, "left": left}
