"""Verbs on sampling plans: make, switch off, draw a period. What changes afterwards is in services/tending.py."""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Min, QuerySet
from django.utils.translation import gettext as _

from campaigns.models import Call, Campaign
from core.audit import audit
from core.calendar import business_date, day_bounds, midnight, month_start, next_month, week_start
from core.errors import DomainError, PermissionRefused
from core.jobs import enqueue
from core.models import Job
from metrics.columns import Level
from metrics.models import DayFigures
from people.models import City, Membership, User
from qa import drawing, rules
from qa.models import Evaluation, QualityForm, Recording, SampleDraw, SampleGap, SamplePick, SamplingPlan, ScoringTask
from qa.services.scorers import Scorers
from qa.services.work import OF_CALL, lot_of

Role = Membership.Role
BATCH = 2_000
MADE_UP_FOR = timedelta(days=31)


class NotAPlan(DomainError):
    """The plan cannot be made or used so."""


class PeriodNotOver(DomainError):
    """Calls of this period can still come."""


class DrawnByAnother(DomainError):
    """Another plan, ended since, has drawn from these calls on this form: a second draw would change their chance."""


# -- plans -------------------------------------------------------------------------------------------------------------


@transaction.atomic
def make_plan(*, by: User, at: datetime, name: str, form: QualityForm, city: City | None, campaign: Campaign | None = None, **rule: Any) -> SamplingPlan:  # fmt: skip
    """A plan that draws from its next whole period on. No other plan that is on draws from the same calls on this form: the chance written at
    a call is its whole chance to be drawn. Raises PermissionRefused, NotAPlan."""
    if not rules.can_plan_in(by, city):
        raise PermissionRefused(_("Your role does not allow this."))
    if not form.versions.filter(status="published").exists():
        raise NotAPlan(_("Calls are scored with a published form. Choose the version in force."))
    QualityForm.objects.select_for_update(no_key=True).get(pk=form.pk)
    places = {"city": city.pk if city else None, "campaign": campaign.pk if campaign else None}
    other = SamplingPlan.objects.on().sharing_calls(form=form.pk, **places).exclude(name=name.strip()).first()
    if other:
        raise NotAPlan(_("The plan “%(plan)s” draws from the same calls on this form, so a call's chance would be neither plan's. Choose another form, city or campaign, or end that plan first.") % {"plan": other.name})  # fmt: skip
    try:
        with transaction.atomic():
            plan = SamplingPlan.objects.create(
                name=name.strip(), form=form, city=city, campaign=campaign, made_by=by, made_at=at, **rule
            )
    except IntegrityError as fault:
        if "sampling_plan_name_once" not in str(fault):
            raise
        raise NotAPlan(_("Another plan that is on has this name.")) from None
    audit("qa.plan.made", plan, by=by, at=at, period=plan.period, picks=plan.picks, city_id=plan.city_id)
    return plan


@transaction.atomic
def end_plan(*, plan: SamplingPlan, by: User, at: datetime) -> SamplingPlan:
    """Draws no more; what was drawn stays to be scored. Twice is once. Raises PermissionRefused."""
    plan = SamplingPlan.objects.select_for_update(of=("self",)).select_related("city").get(pk=plan.pk)
    if not rules.can_plan_in(by, plan.city):
        raise PermissionRefused(_("Your role does not allow this."))
    if plan.ended_at is None:
        plan.ended_at, plan.ended_by = at, by
        plan.save(update_fields=["ended_at", "ended_by"])
        audit("qa.plan.ended", plan, by=by, at=at)
    return plan


def last_period(plan: SamplingPlan, today: date) -> tuple[date, date]:
    """[first day, first day after) of the plan's last period that is over."""
    if plan.period == SamplingPlan.Period.DAY:
        return today - timedelta(days=1), today
    if plan.period == SamplingPlan.Period.WEEK:
        return week_start(today) - timedelta(days=7), week_start(today)
    return month_start(month_start(today) - timedelta(days=1)), month_start(today)


def period_from(plan: SamplingPlan, start: date) -> tuple[date, date]:
    """The plan's period that holds the day."""
    if plan.period == SamplingPlan.Period.DAY:
        return start, start + timedelta(days=1)
    if plan.period == SamplingPlan.Period.WEEK:
        return week_start(start), week_start(start) + timedelta(days=7)
    return month_start(start), next_month(start)


@transaction.atomic
def ask_draw(*, plan: SamplingPlan, by: User, at: datetime) -> Job:
    """Have the last whole period drawn now, in the background. Raises PermissionRefused, NotAPlan, PeriodNotOver, DrawnByAnother."""
    if not rules.can_plan_in(by, plan.city):
        raise PermissionRefused(_("Your role does not allow this."))
    if not SamplingPlan.objects.on().filter(pk=plan.pk).exists():
        raise NotAPlan(_("This plan has ended."))
    start, end = last_period(plan, business_date(at))
    if plan.made_at >= midnight(end):
        raise PeriodNotOver(_("This plan draws from the period in which it was made; that is not over yet."))
    _check_undrawn(plan, start, end)
    return enqueue(
        kind="qa.draw_sample", key=f"{plan.pk}/{start}", args={"plan": plan.pk, "start": start.isoformat()}, by=by
    )


def draws_due(at: datetime) -> list[tuple[int, date]]:
    """(plan, first day) of each whole period that a plan which is on was there for and has not drawn, the oldest first: nights without a draw
    are made up for, as far as they lie within MADE_UP_FOR."""
    due = []
    for plan in SamplingPlan.objects.on().order_by("pk"):
        is_drawn = set(plan.draws.values_list("starts_on", flat=True))
        for start, end in reversed(_periods_over(plan, business_date(at))):
            if start not in is_drawn and not _others_draws(plan, start, end).exists():
                due.append((plan.pk, start))
    return due


def _periods_over(plan: SamplingPlan, today: date) -> list[tuple[date, date]]:
    """The last whole period and those before it that were not over when the plan was made, the newest first."""
    start, end = last_period(plan, today)
    found, earliest = [], start - MADE_UP_FOR
    while start >= earliest and plan.made_at < midnight(end):
        found.append((start, end))
        start, end = last_period(plan, start)
    return found


# -- drawing -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def draw_period(*, plan: SamplingPlan, start: date, at: datetime, seed: str = "") -> SampleDraw:
    """Draw the plan's period that holds the day `start`; drawn before, the draw that is there. The seed is drawn too unless given.

    Raises NotAPlan, PeriodNotOver, DrawnByAnother.
    """
    plan = SamplingPlan.objects.select_for_update(no_key=True).get(pk=plan.pk)
    # one draw of a form after the other, so that each sees what was drawn before
    QualityForm.objects.select_for_update(no_key=True).get(pk=plan.form_id)
    first, after = period_from(plan, start)
    found = plan.draws.filter(starts_on=first).first()
    if found:
        return found
    if plan.ended_at:
        raise NotAPlan(_("This plan has ended."))
    if after > business_date(at):
        raise PeriodNotOver(_("This period is not over yet: calls can still come."))
    _check_undrawn(plan, first, after)
    made = SampleDraw.objects.create(
        plan=plan, starts_on=first, ends_on=after, seed=seed or secrets.token_hex(16), drawn_at=at
    )
    quotas = _Quotas(plan, first, after)
    picks, calls = drawing.draw(plan, midnight(first), midnight(after), made.seed, quotas.wanted)
    tasks = give_picks(plan, made, picks, at)
    SamplePick.objects.bulk_create(
        [_pick(made, quotas, drawn, tasks[drawn.call_id]) for drawn in picks], batch_size=BATCH
    )
    gaps = _gaps(plan, made, quotas, calls)
    made.agents, made.calls = len(calls), sum(calls.values())
    made.save(update_fields=["agents", "calls"])
    audit(
        "qa.plan.drawn",
        made,
        by=None,
        at=at,
        plan=plan.pk,
        start=first.isoformat(),
        seed=made.seed,
        picks=len(picks),
        gaps=gaps,
    )
    return made


def _others_draws(plan: SamplingPlan, first: date, after: date) -> QuerySet[SampleDraw]:
    """Draws of other plans from calls of these days that are the plan's too."""
    others = SamplingPlan.objects.sharing_calls(form=plan.form_id, city=plan.city_id, campaign=plan.campaign_id)
    return SampleDraw.objects.filter(plan__in=others.exclude(pk=plan.pk), starts_on__lt=after, ends_on__gt=first)


def _check_undrawn(plan: SamplingPlan, first: date, after: date) -> None:
    """Raises DrawnByAnother."""
    other = _others_draws(plan, first, after).select_related("plan").first()
    if other:
        raise DrawnByAnother(_("“%(plan)s” has drawn from the calls of this period: this plan draws from the next one on.") % {"plan": other.plan.name})  # fmt: skip


class _Quotas:
    """How many calls of whom: the plan's number, more of new agents, more after a complaint."""

    def __init__(self, plan: SamplingPlan, first: date, after: date) -> None:
        self.plan = plan
        last = after - timedelta(days=1)
        held = Membership.objects.filter(role=Role.AGENT)
        there = held.filter(valid_from__lt=after).exclude(valid_to__lte=first)
        # of whom calls are asked for also when none can be drawn
        self.cities = _asked(plan, dict(there.values_list("user_id", "team__city_id")), first, after)
        begun = held.values("user_id").annotate(first=Min("valid_from"))
        self.new = set(
            begun.filter(first__gt=last - timedelta(days=plan.new_days)).values_list("user_id", flat=True)
        )  # fmt: skip
        self.complained = _complained(last - timedelta(days=plan.complaint_days), last)
        known = set(self.cities) | self.new | self.complained
        self.wanted = {agent: self.of(agent) for agent in sorted(known)}

    def of(self, agent: int) -> int:
        more = self.plan.new_picks * (agent in self.new) + self.plan.complaint_picks * (agent in self.complained)
        return self.plan.picks + more


def _asked(plan: SamplingPlan, agents: dict[int, int | None], first: date, after: date) -> dict[int, int | None]:
    """{agent: city} of whom the plan asks for calls in these days: of a campaign, who worked on it; of a city (the customers', as everywhere in
    quality), who called its customers, and of its teams who called nobody at all; else every agent."""
    if plan.city_id is None and plan.campaign_id is None:
        return agents
    calls = Call.objects.filter(started_at__gte=midnight(first), started_at__lt=midnight(after)).order_by()
    looked_at = calls if plan.campaign_id is None else calls.filter(campaign_id=plan.campaign_id)
    looked_at = looked_at if plan.city_id is None else looked_at.filter(city_id=plan.city_id)
    asked = {agent for agent in looked_at.values_list("agent_id", flat=True).distinct() if agent in agents}
    if plan.campaign_id is None:
        of_city = {agent for agent, city in agents.items() if city == plan.city_id}
        elsewhere = calls.filter(agent_id__in=of_city).values_list("agent_id", flat=True).distinct()
        asked |= of_city - set(elsewhere)
    return {agent: plan.city_id or agents[agent] for agent in asked}


def _complained(first: date, last: date) -> set[int]:
    """Agents with a complaint in a call of these days: the last day from its calls, those before from the figures that the night has counted."""
    counted = DayFigures.objects.filter(level=Level.AGENT, day__gte=first, day__lt=last, customers_complained__gt=0)
    start, end = day_bounds(last)
    fresh = Call.objects.filter(started_at__gte=start, started_at__lt=end, complaint=True).order_by()
    agents = (agent for rows in (counted, fresh) for agent in rows.values_list("agent_id", flat=True))
    return {agent for agent in agents if agent is not None}


def _pick(made: SampleDraw, quotas: _Quotas, drawn: drawing.Drawn, task: ScoringTask) -> SamplePick:
    return SamplePick(
        draw=made, task=task, agent_id=drawn.agent_id, call_id=drawn.call_id, stratum=drawn.stratum,
        is_new=drawn.agent_id in quotas.new, after_complaint=drawn.agent_id in quotas.complained,
        pick=_how(made.plan), of_calls=drawn.n, picked=drawn.take, probability=drawn.probability,
    )  # fmt: skip


def _how(plan: SamplingPlan) -> str:
    return Evaluation.Pick.STRATIFIED if plan.strata else Evaluation.Pick.RANDOM


def _gaps(plan: SamplingPlan, made: SampleDraw, quotas: _Quotas, calls: dict[int, int]) -> int:
    """Keep of whom fewer were drawn than asked for; returns how many they are."""
    wanted = {agent: quotas.of(agent) for agent in {*quotas.cities, *calls}}
    short = sorted(agent for agent, n in wanted.items() if calls.get(agent, 0) < n)
    if not short:
        return 0
    answered = drawing.agents_answered(plan, midnight(made.starts_on), midnight(made.ends_on), short)
    SampleGap.objects.bulk_create(
        [
            SampleGap(
                draw=made, agent_id=agent, city_id=quotas.cities.get(agent, plan.city_id), wanted=wanted[agent],
                drawn=calls.get(agent, 0), why=_why(calls.get(agent, 0), agent in answered),
            )
            for agent in short
        ],
        batch_size=BATCH,
    )  # fmt: skip
    return len(short)


def _why(heard: int, has_answered: bool) -> str:
    if heard:
        return SampleGap.Why.FEW_CALLS
    return SampleGap.Why.NO_RECORDING if has_answered else SampleGap.Why.NO_CALLS


def give_picks(
    plan: SamplingPlan, made: SampleDraw, picks: list[drawing.Drawn], at: datetime, how: str = ""
) -> dict[int, ScoringTask]:
    """{call: its task}."""
    ids = [drawn.call_id for drawn in picks]
    if not ids:
        return {}
    times = [drawn.started_at for drawn in picks]
    calls = Call.objects.filter(pk__in=ids, started_at__gte=min(times), started_at__lte=max(times)).in_bulk()
    sounds = newest_sounds(ids, min(times), max(times))
    scorers = Scorers(at)
    rows = [
        ScoringTask(
            call_id=drawn.call_id, call_started_at=drawn.started_at, recording_id=sounds.get(drawn.call_id), form_id=plan.form_id,
            scorer_id=scorers.next_for(calls[drawn.call_id]), pick=how or _how(plan), probability=drawn.probability,
            source=ScoringTask.Source.PLAN, source_id=made.pk, blind=plan.blind, due_at=at + timedelta(days=plan.due_days),
            given_at=at, lot=lot_of(drawn.call_id, plan.form_id), **{name: getattr(calls[drawn.call_id], name) for name in OF_CALL},
        )
        for drawn in sorted(picks, key=lambda drawn: lot_of(drawn.call_id, plan.form_id))
    ]  # fmt: skip
    return {task.call_id: task for task in ScoringTask.objects.bulk_create(rows, batch_size=BATCH)}


def newest_sounds(ids: list[int], first: datetime, last: datetime) -> dict[int, int]:
    """{call: its newest recording}."""
    rows = Recording.objects.kept().exclude(sound__state="broken")
    rows = rows.filter(call_id__in=ids, call_started_at__gte=first, call_started_at__lte=last)
    return dict(rows.order_by("pk").values_list("call_id", "pk"))
