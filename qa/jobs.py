"""What quality does in the background; each body is one service call."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext_lazy

from core.jobs import JobCancelled, LostLease, Run, handler, scheduled


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
    """Every period that is due, each in its own chunk; a plan that fails is told at the end and keeps none of the others waiting."""
    from core.errors import DomainError
    from qa.models import SamplingPlan
    from qa.services import sampling

    due, failed, drawn = sampling.draws_due(run.now()), [], 0
    for plan_id, start in due:
        try:
            with run.chunk(done=1, total=len(due)):
                sampling.draw_period(plan=SamplingPlan.objects.get(pk=plan_id), start=start, at=run.now())
            drawn += 1
        except DomainError:
            continue  # ended, or drawn by another plan, since it was found due
        except (JobCancelled, LostLease):
            raise
        except Exception as fault:
            failed.append(fault)
    if failed:
        raise failed[0]
    return {"draws": drawn}


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
    """Each campaign in its own chunk; a sheet taken before is not taken again, and one that fails keeps none of the others waiting."""
    from qa.services import full_run

    due, made, faults = full_run.watched(), 0, []
    for run_id in due:
        try:
            with run.chunk(done=1, total=len(due)):
                made += full_run.watch(run_id=run_id, at=run.now())
        except (JobCancelled, LostLease):
            raise
        except Exception as fault:
            faults.append(fault)
    if faults:
        raise faults[0]
    return {"sheets": made}


@scheduled(
    "qa.ask_customers",
    every=timedelta(minutes=15),
    label=gettext_lazy("Ask customers how their call was"),
    lease=timedelta(minutes=5),
)
def ask_customers(run: Run) -> dict[str, Any]:
    """Calls drawn by the rules of surveys, each once; then who may be asked now is asked. Each person in a chunk of their own."""
    from qa.models import SurveyAsk
    from qa.services import surveys

    found = {"chosen": 0, "sent": 0, "expired": 0}
    for rule in surveys.rules_in_order():
        for call in list(surveys.drawn_by(rule, at=run.now())):
            with run.chunk():
                found["chosen"] += surveys.choose_call(rule=rule, call=call, at=run.now()) is not None
    faults = []
    for pk in surveys.waiting(run.now()):
        try:
            with run.chunk():
                asked = surveys.send(ask=SurveyAsk(pk=pk), at=run.now())
                found["sent"] += asked.state == SurveyAsk.State.SENT
        except (JobCancelled, LostLease):
            raise
        except Exception as fault:  # one person's fault keeps nobody else waiting
            faults.append(fault)
            with run.chunk():
                surveys.put_off(pk=pk, at=run.now())
    with run.chunk():
        found["expired"] = surveys.expire(at=run.now())
    if faults:
        raise faults[0]
    return found


@scheduled(
    "qa.compose_bulletins",
    every=timedelta(minutes=5),
    label=gettext_lazy("Compose the bulletins of the hour"),
    lease=timedelta(minutes=5),
)
def compose_bulletins(run: Run) -> dict[str, Any]:
    """Of campaigns in the first day of a full run; each in its own chunk, and one that fails keeps none of the others waiting.
    A bulletin that is there is not composed again."""
    from campaigns.models import Campaign
    from core.errors import DomainError
    from qa.services import bulletins

    wanted, composed, faults = bulletins.due(run.now()), 0, []
    for campaign_id in wanted:
        try:
            with run.chunk(done=1, total=len(wanted)):
                bulletins.compose(campaign=Campaign.objects.get(pk=campaign_id), by=None, at=run.now())
            composed += 1
        except DomainError:
            continue  # its full run has ended since it was found due
        except (JobCancelled, LostLease):
            raise
        except Exception as fault:
            faults.append(fault)
    if faults:
        raise faults[0]
    return {"bulletins": composed}


@scheduled(
    "qa.note_repeated_complaints",
    daily_at="02:40",
    label=gettext_lazy("List repeated causes of complaints as risks"),
    lease=timedelta(minutes=5),
)
def note_repeated_complaints(run: Run) -> dict[str, Any]:
    """Each cause in its own chunk; one that is listed already is not listed again."""
    from qa.services import complaint_causes

    found, risks = complaint_causes.repeated(run.now()), set()
    for row in found:
        with run.chunk(done=1, total=len(found)):
            if risk := complaint_causes.note_repeated(row=row, at=run.now()):
                risks.add(risk.pk)
    return {"open": len(risks)}


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
