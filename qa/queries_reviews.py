"""Reads of checkpoints: what the machine sees for each item, whether rates can be judged, and which gates wait."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BooleanField, Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, When

from campaigns.models import Call, Campaign, Gate
from campaigns.queries_refusals import REFUSED, clusters_of
from campaigns.queries_script import step_numbers
from people.models import User
from qa import limits
from qa.checkpoints import LISTS, NAMED, Kind, Result
from qa.models import FullRunLimit, GateReview, Recording, ScoringTask
from qa.models.reviews import campaigns_of_gates
from qa.services import full_run
from scripts.checks import Finding, Kind as Found
from scripts.models import GuidanceMap, ScriptStep, ScriptVersion, StepQuote
from scripts.queries_versions import findings

LOOK_BACK = timedelta(days=90)  # a trial is shorter
Seen = tuple[str, dict[str, Any]]
SOURCE = ScoringTask.Source.TRIAL
OF_PARTS = (Found.MISSING_PART, Found.EMPTY_STEP, Found.DEAD_END, Found.UNREACHABLE)


def looks(gate: Gate, at: datetime) -> dict[str, Seen]:
    """{key: (result, what was seen)} of every item that the machine fills, counted now."""
    version = gate.campaign.script_version
    said = findings(version) if version else None
    wanted = {item.key for item in LISTS[gate.stage] if item.kind == Kind.MACHINE}
    seen: dict[str, Seen] = {"script": _script(version)}
    if "parts" in wanted:
        seen["parts"] = _held(said, *OF_PARTS)
        seen["must_say"] = _held(said, Found.MUST_SAY)
        seen["prohibited"] = _held(said, Found.PROHIBITED)
    result, found = _held(said, Found.OUT_OF_DATE)
    seen["knowledge"] = result, {**found, "changed": _changed(gate)} if "listened" in wanted else found
    if "listened" in wanted:
        seen["listened"] = _listened(gate)
        seen["map"] = _map(gate.campaign)
        seen["answers"] = _answers(gate.campaign, at)
    return seen


def _judged(is_good: bool) -> str:
    return Result.OK if is_good else Result.FAILED


def _script(version: ScriptVersion | None) -> Seen:
    if version is None:
        return Result.FAILED, {"version": None}
    told = {"version": version.pk, "script": str(version.script), "number": version.number, "status": version.status}
    return _judged(version.status in ScriptVersion.USABLE), told


def _held(said: list[Finding] | None, *kinds: Found) -> Seen:
    """What the checks of the script say of these kinds; without a script nothing is in order."""
    if said is None:
        return Result.FAILED, {"version": None}
    mine = [one for one in said if one.kind in kinds]
    named = [[str(one.kind), one.step.label if one.step else "", one.what] for one in mine[:NAMED]]
    return _judged(not mine), {"count": len(mine), "said": named}


def _changed(gate: Gate) -> list[str]:
    """Articles that the script quotes and that changed since checkpoint 1 was passed, as far as they were found to fit still."""
    since = Gate.objects.filter(campaign=gate.campaign_id, stage=Campaign.Stage.TRIAL).values_list(
        "decided_at", flat=True
    )[0]
    if since is None:
        return []
    quotes = StepQuote.objects.filter(
        step__version=gate.campaign.script_version_id, article__changed_at__gt=since, article__retired_at=None
    )
    titles = quotes.order_by("article__title").values_list("article__title", flat=True)
    return list(titles.distinct()[:NAMED])


# -- the calls of the trial ---------------------------------------------------------------------------------------------


def trial_recordings(gate: Gate) -> QuerySet[Recording]:
    """What can be listened to of the campaign's calls."""
    rows = Recording.objects.kept().filter(campaign_id=gate.campaign_id, sound__state__in=("checked", "ready"))
    return rows


def unqueued(gate: Gate) -> QuerySet[Recording]:
    """Those whose call nobody was asked to score for this checkpoint."""
    asked = ScoringTask.objects.filter(source=SOURCE, source_id=gate.pk, call_id=OuterRef("call_id"))
    return trial_recordings(gate).exclude(Exists(asked))


def _listened(gate: Gate) -> Seen:
    """Dropped tasks (a deleted recording, say) are not waited for."""
    tasks = ScoringTask.objects.filter(source=SOURCE, source_id=gate.pk, dropped_at=None)
    told = tasks.aggregate(
        of=Count("call_id", distinct=True), done=Count("call_id", distinct=True, filter=~Q(done_at=None))
    )
    rest = unqueued(gate).values("call_id").distinct().count()
    calls = Call.objects.filter(campaign_id=gate.campaign_id, direction="outbound").count()
    found = {"calls": calls, "recordings": told["of"] + rest, "done": told["done"], "unqueued": rest}
    if not found["recordings"]:
        return Result.FAILED, found
    return Result.OK if told["done"] == found["recordings"] else Result.OPEN, found


def _map(campaign: Campaign) -> Seen:
    rows = GuidanceMap.objects.filter(campaign_id=campaign.pk).annotate(n=Count("cards")).order_by("-n", "-pk")
    drawn = rows.first()
    if drawn is None:
        return Result.FAILED, {"map": None}
    return _judged(drawn.n > 0), {"map": drawn.pk, "title": drawn.title, "cards": drawn.n}


def _answers(campaign: Campaign, at: datetime) -> Seen:
    found = clusters_of(campaign, since=at - LOOK_BACK, waiting=False)
    waiting = [cluster for cluster in found if not cluster.answers]
    named = [[cluster.reason, cluster.count] for cluster in waiting[:NAMED]]
    return _judged(not waiting), {"clusters": len(found), "count": len(waiting), "waiting": named}


def refusals_by_step(campaign: Campaign, at: datetime) -> list[dict[str, Any]]:
    """Refused and broken-off calls by the step at which they ended, most first; the same step of two versions is one."""
    calls = Call.objects.filter(REFUSED, campaign_id=campaign.pk, started_at__gte=at - LOOK_BACK)
    told = calls.order_by().values("step_id").annotate(n=Count("*"), broken=Count("pk", filter=Q(mid_call=True)))
    rows = list(told)
    steps = ScriptStep.objects.in_bulk([row["step_id"] for row in rows if row["step_id"]])
    numbers = _numbers({step.version_id for step in steps.values()})
    found: dict[Any, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: -(row["step_id"] or 0)):
        step = steps.get(row["step_id"] or 0)
        name = f"{numbers.get(step.pk, '')} {step}".strip() if step else ""
        line = found.setdefault(step and step.key, {"step": name, "refused": 0, "broken": 0})
        line["refused"] += row["n"] - row["broken"]
        line["broken"] += row["broken"]
    return sorted(found.values(), key=lambda line: -(line["refused"] + line["broken"]))


def _numbers(versions: set[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for version in versions:
        found |= step_numbers(list(ScriptStep.objects.filter(version=version).order_by("position")))
    return found


# -- can rates be judged? -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rates:
    """The trial's rates against the limits set beforehand; `more_calls`: about how many more until all of them can be judged at these rates,
    None when they are too close to their limits ever to be told apart. `too_few`: customers still to be reached before anything is said."""

    lines: list[dict[str, Any]]
    calls: int
    more_calls: int | None

    @property
    def is_early(self) -> bool:
        return self.more_calls is None or self.more_calls > 0


def rates(campaign: Campaign, at: datetime) -> Rates:
    """Judged as the hours of a full run are (qa.limits): by the limits of its monitoring, else by the rates the campaign expects."""
    told = full_run.count(campaign.pk, at - LOOK_BACK, at)
    lines = [limits.judge(limit, told) for limit in _limits(campaign)]
    calls = told["calls"]
    if not lines:
        return Rates([], calls, _as_calls(limits.LEAST - told["customers_reached"], told["customers_reached"], calls))
    wanted = [_as_calls(line["more"], line["denominator"], calls) for line in lines if line["says"] == limits.EARLY]
    known = [n for n in wanted if n is not None]
    return Rates(lines, calls, None if len(known) < len(wanted) else max(known, default=0))


def _limits(campaign: Campaign) -> list[FullRunLimit]:
    kept = list(FullRunLimit.objects.filter(run__campaign=campaign).order_by("pk"))
    if kept:
        return kept
    expected = {"success_rate": campaign.target_success_percent, "contact_rate": campaign.target_contact_percent}
    return [
        FullRunLimit(indicator=key, side=limits.SIDES[key], share=float(percent) / 100)
        for key, percent in expected.items()
        if percent and 0 < percent < 100
    ]


def _as_calls(more: int, of: int, made: int) -> int | None:
    """So many more observations, in calls, at as many calls for one as until now, when `made` gave `of`."""
    if more >= limits.MOST_SAID:
        return None
    return max(0, math.ceil(more * made / of) if of else more)


# -- which gates wait ---------------------------------------------------------------------------------------------------


DECIDED = (Gate.Status.PASSED, Gate.Status.OVERRIDDEN)


def gates_shown(user: User) -> QuerySet[Gate]:
    """Gates that ask for a review, of the campaigns whose checkpoints the user reads; each with `is_opened` (a round is open) and `is_outdated` (passed for
    another script version than the campaign has)."""
    seen = campaigns_of_gates(user)
    opened = GateReview.objects.open().filter(gate=OuterRef("pk"))
    passed = GateReview.objects.filter(gate=OuterRef("pk"), verdict=GateReview.Verdict.PASS).order_by("-pk")
    version = F("campaign__script_version")
    changed = Q(passed_for__isnull=False) & (Q(campaign__script_version=None) | ~Q(passed_for=version))
    rows = Gate.objects.filter(stage__in=Gate.REVIEWED, campaign__in=seen.values("pk"))
    rows = rows.alias(passed_for=Subquery(passed.values("script_version")[:1])).annotate(
        is_opened=Exists(opened),
        is_outdated=Case(When(changed, status=Gate.Status.PASSED, then=True), default=False, output_field=BooleanField()),
    )  # fmt: skip
    return rows.select_related("campaign__city")


def waiting(user: User) -> QuerySet[Gate]:
    """Gates that stand next before a campaign, without those that are decided; one that was passed for another script version waits again."""
    stands = Q(stage=Campaign.Stage.TRIAL, campaign__stage=Campaign.Stage.SCRIPT_REVIEW) | Q(
        stage=Campaign.Stage.RUNNING, campaign__stage=Campaign.Stage.TRIAL
    )
    rows = gates_shown(user).filter(stands).filter(~Q(status__in=DECIDED) | Q(is_outdated=True))
    return rows.order_by("campaign__code", "pk")


def reviews_shown(user: User) -> QuerySet[GateReview]:
    """Rounds of review, with what their items and verdict say of the campaign."""
    return GateReview.objects.visible_to(user).select_related("gate__campaign__script_version__script")


def past(user: User) -> QuerySet[GateReview]:
    """What was decided, the newest first."""
    rows = GateReview.objects.visible_to(user).exclude(closed_at=None)
    return rows.select_related("gate__campaign", "script_version", "closed_by").order_by("-closed_at", "-pk")


def passed_for(gate: Gate) -> GateReview | None:
    """The review that passed the gate, when the campaign has another script version since."""
    if gate.status != Gate.Status.PASSED:
        return None
    last = (
        gate.reviews.filter(verdict=GateReview.Verdict.PASS)
        .select_related("script_version__script")
        .order_by("-pk")
        .first()
    )
    return last if last and last.script_version_id != gate.campaign.script_version_id else None
