"""Common problems of a team: items most often not done well, of calls chosen at random, for the agenda of a meeting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Sum
from django.db.models.lookups import GreaterThan

from core.stats import wilson
from people.models import Team, User
from qa.earning import earned
from qa.models import Evaluation, EvaluationAnswer
from qa.models.forms import in_language

SPANS = (30, 90)  # days
SHOWN = 10
LEAST = 5  # calls to which an item applied


@dataclass(frozen=True)
class Problem:
    """An item, not done well in `missed` of the `heard` calls to which it applied, by `agents` of the team. A call with 3 of 5 points
    counts as 0.4 missed, so that `missed` need not be whole."""

    text: str
    stage: str
    form: int
    missed: float
    heard: int
    agents: int

    @property
    def share(self) -> float:
        return self.missed / self.heard

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.missed, self.heard)

    @property
    def is_common(self) -> bool:
        """Of more than one agent: else it is for a talk between two."""
        return self.agents > 1


def problems(user: User, team: Team, days: int, at: datetime) -> list[Problem]:
    """The most often missed first. The same words on several versions of a form are one item. One query."""
    seen = Evaluation.objects.visible_to(user).submitted().filter(
        team_id=team.pk, pick__in=Evaluation.PUBLISHED_PICKS, call_started_at__gte=at - timedelta(days=days)
    )  # fmt: skip
    lost = 1 - earned()
    rows = EvaluationAnswer.objects.filter(evaluation__in=seen).exclude(answer="na").order_by()
    names = ("item__text", "item__text_zh", "item__stage__name", "item__stage__name_zh", "evaluation__version__form")
    found = rows.values_list(*names).annotate(
        missed=Sum(lost), heard=Count("pk"),
        agents=Count("evaluation__agent_id", filter=GreaterThan(lost, 0.0), distinct=True),
    )  # fmt: skip
    enough = [
        Problem(in_language(text, text_zh), in_language(stage, stage_zh), form, *counts)
        for text, text_zh, stage, stage_zh, form, *counts in found
        if counts[0] and counts[1] >= LEAST
    ]
    return sorted(enough, key=lambda one: (-one.share, -one.heard, one.text))[:SHOWN]
