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


@handler("qa.count_preview", label=gettext_lazy("Count what publishing a form would have changed last month"))
def count_preview(run: Run) -> dict[str, Any]:
    """args: preview."""
    from qa.services.previews import count_preview as work

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
    """Every period that is due; what ended or was drawn by another plan since it was found due is passed over."""
    from core.errors import DomainError
    from qa.models import SamplingPlan
    from qa.services import sampling

    def draw(due: tuple[int, date]) -> Any:
        return sampling.draw_period(plan=SamplingPlan.objects.get(pk=due[0]), start=due[1], at=run.now())

    return {"draws": len(run.each(sampling.draws_due(run.now()), draw, passed=(DomainError,)))}


@scheduled(
    "qa.tend_samples",
    every=timedelta(minutes=15),
    label=gettext_lazy("Keep the work of scorers whole"),
    lease=timedelta(minutes=5),
)
def tend_samples(run: Run) -> dict[str, Any]:
    """Deleted picks are replaced, and what lost its scorer or never had one gets another."""
    from qa.services import tending

    found: dict[str, Any] = {}
    for name, verb in (
        ("replaced", tending.replace_deleted),
        ("given", tending.give_anew),
        ("shared", tending.share_out),
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
    """A sheet taken before is not taken again."""
    from qa.services import full_run

    return {"sheets": sum(run.each(full_run.watched(), lambda pk: full_run.watch(run_id=pk, at=run.now())))}


@scheduled(
    "qa.ask_customers",
    every=timedelta(minutes=15),
    label=gettext_lazy("Ask customers how their call was"),
    lease=timedelta(minutes=5),
)
def ask_customers(run: Run) -> dict[str, Any]:
    """Calls drawn by the rules of surveys, each once; then who may be asked now is asked, and whose asking failed is put off."""
    from qa.models import SurveyAsk
    from qa.services import surveys

    with run.chunk():
        expired = surveys.expire(at=run.now())
    run.each(surveys.leads_left(), lambda pk: surveys.close_lead(pk=pk))
    drawn = [(rule, call) for rule in surveys.rules_in_order() for call in surveys.drawn_by(rule, at=run.now())]
    chosen = run.each(drawn, lambda pair: surveys.choose_call(rule=pair[0], call=pair[1], at=run.now()))
    asked = run.each(
        surveys.waiting(run.now()),
        lambda pk: surveys.send(ask=SurveyAsk(pk=pk), at=run.now()),
        on_fault=lambda pk: surveys.put_off(pk=pk, at=run.now()),
    )
    return {
        "chosen": sum(ask is not None for ask in chosen),
        "booked": sum(ask.state == SurveyAsk.State.BOOKED for ask in asked),
        "called": sum(ask.state == SurveyAsk.State.SENT for ask in asked),
        "expired": expired,
    }


@scheduled(
    "qa.hand_over_messages",
    every=timedelta(minutes=1),
    label=gettext_lazy("Hand text messages of surveys to the sender"),
    lease=timedelta(minutes=5),
)
def hand_over_messages(run: Run) -> dict[str, Any]:
    """What is booked. Two runs at once share the messages: each goes over once."""
    from qa.services.survey_messages import hand_over as work

    return work(run)


@scheduled(
    "qa.compose_bulletins",
    every=timedelta(minutes=5),
    label=gettext_lazy("Compose the bulletins of the hour"),
    lease=timedelta(minutes=5),
)
def compose_bulletins(run: Run) -> dict[str, Any]:
    """Of campaigns in the first day of a full run; a bulletin that is there is not composed again, and one whose full run has ended since it
    was found due is none."""
    from campaigns.models import Campaign
    from core.errors import DomainError
    from qa.services import bulletins

    def compose(campaign_id: int) -> Any:
        return bulletins.compose(campaign=Campaign.objects.get(pk=campaign_id), by=None, at=run.now())

    return {"bulletins": len(run.each(bulletins.due(run.now()), compose, passed=(DomainError,)))}


@scheduled(
    "qa.name_calls_of_complaints",
    every=timedelta(minutes=5),
    label=gettext_lazy("Add their calls to complaints taken during a call"),
    lease=timedelta(minutes=5),
)
def name_calls_of_complaints(run: Run) -> dict[str, Any]:
    """As soon as the call is recorded."""
    from qa.services import complaint_calls

    named = run.each(complaint_calls.calls_to_name(run.now()), lambda pk: complaint_calls.name_recorded_call(pk=pk))
    return {"named": sum(named)}


@scheduled(
    "qa.note_repeated_complaints",
    daily_at="02:40",
    label=gettext_lazy("List repeated causes of complaints as risks"),
    lease=timedelta(minutes=5),
)
def note_repeated_complaints(run: Run) -> dict[str, Any]:
    """One that is listed already is not listed again."""
    from qa.services import complaint_causes

    found = run.each(
        complaint_causes.repeated(run.now()), lambda row: complaint_causes.note_repeated(row=row, at=run.now())
    )
    return {"open": len({risk.pk for risk in found if risk})}


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
    """Days that are over and not drawn. What waits for a scorer who has left waits no longer, whatever fails."""
    from qa.services import calibration, doubles

    with run.chunk():
        left = calibration.settle(at=run.now()) + doubles.settle(at=run.now())
    due = doubles.days_due(run.now())
    drawn = run.each(due, lambda day: doubles.draw_day(day=day, at=run.now()))
    return {"days": len(due), "picked": sum(draw.picked for draw in drawn), "left": left}
