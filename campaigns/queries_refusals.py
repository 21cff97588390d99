"""Refusals that cluster: the same reason at the same step of a campaign's script, again and again, with the words agents typed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from campaigns.models import Call, Campaign, Disposition
from people.models import User
from scripts.models import Objection, ObjectionAnswer, ScriptStep

# So many of the newest refusals are looked at, however many there are: what clusters shows in them.
MOST_CALLS = 20_000
LEAST, MOST_CLUSTERS, MOST_WORDS = 2, 100, 3
REFUSED = Q(refuses_offer=True) | Q(mid_call=True)  # as the indexes call_refused_* have it


@dataclass
class Cluster:
    """Refusals of a campaign with one result, for one reason, at one step. `answers`: objections with answers in use that belong to it."""

    campaign: Campaign
    result: Disposition
    said: str
    step: ScriptStep | None
    count: int = 0
    mid_call: int = 0
    newest: datetime | None = None
    notes: Counter[str] = field(default_factory=Counter)
    answers: list[Objection] = field(default_factory=list)

    @property
    def reason(self) -> str:
        """What the agent chose or typed, else the result in the reader's language."""
        return self.said or str(self.result)

    @property
    def reasons(self) -> set[str]:
        """What an objection may call it, in either language."""
        return {self.said} if self.said else {self.result.label, self.result.label_zh}

    @property
    def words(self) -> list[tuple[str, int]]:
        """What agents typed most often."""
        return self.notes.most_common(MOST_WORDS)


def clusters(user: User, *, since: datetime, campaign: int | None = None, waiting: bool = True) -> list[Cluster]:
    """Of the refusals since then that the user may see, the largest clusters first; `waiting`: those alone that no answer belongs to."""
    scope = user.scope()
    # by city alone, not visible_to(): each of its other ways to a call would have to be sorted
    calls = Call.objects.all() if scope.is_region else Call.objects.filter(city_id__in=scope.city_ids)
    calls = calls.filter(REFUSED, started_at__gte=since)
    if campaign is not None:
        calls = calls.filter(campaign_id=campaign)
    rows = calls.order_by("-started_at").values_list(
        "campaign_id", "disposition_id", "step_id", "reason", "note", "mid_call", "started_at"
    )[:MOST_CALLS]
    found = [cluster for cluster in _gathered(rows) if cluster.count >= LEAST]
    _answer(found)
    kept = [cluster for cluster in found if not (waiting and cluster.answers)]
    return sorted(kept, key=lambda cluster: (-cluster.count, cluster.reason))[:MOST_CLUSTERS]


def _gathered(rows: Iterable[tuple[Any, ...]]) -> list[Cluster]:
    """Steps of different versions with the same key are one step."""
    rows = list(rows)
    campaigns = Campaign.objects.select_related("product").in_bulk({row[0] for row in rows})
    results = Disposition.objects.in_bulk({row[1] for row in rows})
    steps = ScriptStep.objects.in_bulk({row[2] for row in rows if row[2]})
    found: dict[tuple[Any, ...], Cluster] = {}
    for campaign_id, result_id, step_id, reason, note, is_mid_call, started_at in rows:
        step = steps.get(step_id)
        key = campaign_id, result_id, reason, step and step.key
        cluster = found.setdefault(key, Cluster(campaigns[campaign_id], results[result_id], reason, step))
        cluster.count += 1
        cluster.mid_call += is_mid_call
        cluster.newest = cluster.newest or started_at  # the rows come newest first
        if words := _plain(note):
            cluster.notes[words] += 1
    return list(found.values())


def _plain(note: str) -> str:
    """Words that differ in blanks and points alone are the same."""
    return " ".join(note.lower().split()).strip(" .,;!。，；！")[:120]


def _answer(found: list[Cluster]) -> None:
    reasons = set().union(*(cluster.reasons for cluster in found))
    known: dict[str, list[Objection]] = defaultdict(list)
    rows = Objection.objects.filter(
        reason__in=reasons, retired_at=None, answers__status=ObjectionAnswer.Status.IN_USE
    ).distinct()
    for objection in rows:
        known[objection.reason].append(objection)
    for cluster in found:
        products = (None, cluster.campaign.product_id)
        mine = (objection for reason in sorted(cluster.reasons) for objection in known[reason])
        cluster.answers = [objection for objection in mine if objection.product_id in products]
