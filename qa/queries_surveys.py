"""Reads of satisfaction for screens: how many answered, and the mean with its interval.

A call chosen with probability p stands for 1/p calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, FloatField, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Cast, TruncMonth
from django.utils.translation import gettext as _, gettext_lazy

from campaigns.models import Call, Lead
from campaigns.queries_calls import Names
from core.calendar import month_label
from core.means import Sums
from core.stats import wilson
from people.models import User
from qa.models import SurveyAnswer, SurveyAsk, SurveyMessage, SurveyRule
from qa.queries import LOCKED

LEAST = 30
GROUPS = {
    "campaign": gettext_lazy("campaign"),
    "team": gettext_lazy("team"),
    "agent": gettext_lazy("agent"),
    "month": gettext_lazy("month"),
}
RECALLED = timedelta(days=3)


@dataclass(frozen=True)
class Row:
    """One group. `mean` and its bounds are None with fewer than 30 answers, `rate` with fewer than 30 asked."""

    label: str
    chosen: int
    asked: int
    answered: int
    rate: float | None
    rate_low: float
    rate_high: float
    mean: float | None
    low: float
    high: float


def counted(rows: QuerySet[SurveyAsk], by: str | None) -> list[dict[str, Any]]:
    weight = 1 / F("probability")
    score = Cast("answer__score", FloatField())
    found = Q(answer__isnull=False)
    if by == "month":
        rows = rows.annotate(key=TruncMonth("call_started_at"))
    elif by:
        rows = rows.annotate(key=F(f"{by}_id"))
    grouped = rows.order_by().values("key") if by else rows.order_by().annotate(key=Cast(0, FloatField())).values("key")
    return list(
        grouped.annotate(
            chosen=Count("pk"), asked=Count("pk", filter=Q(state__in=SurveyAsk.ASKED)), answered=Count("answer"),
            w=Sum(weight, filter=found), wx=Sum(weight * score, filter=found), ww=Sum(weight * weight, filter=found),
            wwx=Sum(weight * weight * score, filter=found), wwxx=Sum(weight * weight * score * score, filter=found),
        ).order_by("key")
    )  # fmt: skip


def mean_of(sums: dict[str, Any]) -> tuple[float, float, float]:
    """(mean, low, high) of at least two answers; the interval stays between 1 and 5."""
    found = Sums(sums["answered"], *(sums[name] for name in ("w", "wx", "ww", "wwx", "wwxx"))).mean
    assert found is not None
    return found.value, max(1.0, found.value - found.half), min(5.0, found.value + found.half)


def _row(label: str, sums: dict[str, Any]) -> Row:
    asked, answered = sums["asked"], sums["answered"]
    mean, low, high = mean_of(sums) if answered >= LEAST else (None, 1.0, 5.0)
    rate = answered / asked if asked >= LEAST else None
    return Row(label, sums["chosen"], asked, answered, rate, *wilson(answered, asked), mean, low, high)


def results(user: User, *, by: str, since: datetime) -> tuple[Row | None, list[Row]]:
    """(all together, each group) of the asked calls since then that the user may see."""
    rows = SurveyAsk.objects.visible_to(user).filter(call_started_at__gte=since)
    whole = counted(rows, None)
    names = Names()

    def label(key: Any) -> str:
        if by == "month":
            return month_label(key.date())
        if by == "agent":
            return names.agent(key)
        return str((names.teams if by == "team" else names.campaigns).get(key, f"#{key}"))

    groups = [_row(label(sums["key"]), sums) for sums in counted(rows, by)]
    return (_row(_("All"), whole[0]) if whole else None), groups


def refused(user: User, *, since: datetime) -> list[tuple[str, int]]:
    """Why calls that were drawn are not asked about, the most frequent first."""
    rows = SurveyAsk.objects.visible_to(user).filter(call_started_at__gte=since, state=SurveyAsk.State.REFUSED)
    words = dict(SurveyAsk.Reason.choices)
    counts = rows.order_by().values_list("reason").annotate(n=Count("pk")).order_by("-n", "reason")
    return [(str(words[reason]), n) for reason, n in counts]


def messages_by_state(user: User, *, since: datetime) -> list[tuple[str, str, int]]:
    """(state, in words, how many) of the text messages about the calls since then, in the order of their way."""
    seen = SurveyAsk.objects.visible_to(user).filter(call_started_at__gte=since)
    rows = SurveyMessage.objects.filter(ask__in=seen.values("pk")).order_by().values_list("state")
    counts = dict(rows.annotate(n=Count("pk")))
    return [(state, str(words), counts[state]) for state, words in SurveyMessage.State.choices if state in counts]


def words_shown(user: User, *, since: datetime) -> QuerySet[SurveyAnswer]:
    seen = SurveyAsk.objects.visible_to(user).filter(call_started_at__gte=since).exclude(customer_id__in=LOCKED)
    rows = SurveyAnswer.objects.filter(ask__in=seen.values("pk")).exclude(words="")
    return rows.select_related("ask").order_by("-at", "-pk")


def asks_shown(user: User) -> QuerySet[SurveyAsk]:
    """Calls whose customers were asked, each with its answer; words of persons who are locked or erased stay away."""
    rows = SurveyAsk.objects.visible_to(user).asked().select_related("answer")
    return rows.annotate(is_locked=Exists(LOCKED.filter(pk=OuterRef("customer_id"))))


def rules_shown(user: User) -> QuerySet[SurveyRule]:
    rows = SurveyRule.objects.visible_to(user).select_related("questionnaire", "city", "campaign", "via", "made_by")
    return rows.order_by(F("ended_at").desc(nulls_first=True), "pk")


def called_back(agent: User, *, at: datetime) -> QuerySet[SurveyAsk]:
    """Surveys by callback of the customer at the agent's desk, and of those the agent has called back lately; none of the own calls."""
    called = Call.objects.filter(
        started_at__gte=at - RECALLED, agent_id=agent.pk, connected=True, lead_id__isnull=False
    )
    mine = Q(lead_id__in=Lead.objects.filter(agent=agent).values("pk")) | Q(lead_id__in=called.values("lead_id"))
    return SurveyAsk.objects.filter(mine, lead_id__isnull=False).exclude(agent_id=agent.pk)


def to_record(agent: User, *, at: datetime) -> QuerySet[SurveyAsk]:
    """Those that can be answered now."""
    rows = called_back(agent, at=at).filter(state=SurveyAsk.State.SENT, expires_at__gt=at)
    return rows.select_related("rule__questionnaire").order_by("sent_at", "pk")
