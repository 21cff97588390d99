"""Refusals that cluster: the same reason at the same step of a campaign's script, again and again, with the words agents typed.

All refusals of the days asked for are counted, by the database and out of an index of their own. Spellings of a reason are brought
together after that: reasons that differ in capitals, width, blanks and points alone are one.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from campaigns.models import Call, Campaign, Disposition
from people.models import User
from scripts.models import Objection, ObjectionAnswer, ScriptStep

# The words typed are those of so many of the newest refusals: they are examples, and not counted over all days.
MOST_CALLS = 20_000
# So many spellings of reasons (by campaign, result and step) are brought together; the rarest are left out.
MOST_SPELLINGS = 100_000
POINTS = " .,;!。，；！"
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
        return {plain(said) for said in ([self.said] if self.said else [self.result.label, self.result.label_zh])}

    @property
    def words(self) -> list[tuple[str, int]]:
        """What agents typed most often."""
        return self.notes.most_common(MOST_WORDS)


def clusters(user: User, *, since: datetime, campaign: int | None = None, waiting: bool = True) -> list[Cluster]:
    """Of the refusals since then that the user may see, the largest clusters first; `waiting`: those alone that no answer belongs to."""
    return _clusters(_refused(user, since, campaign), waiting=waiting)


def clusters_of(campaign: Campaign, *, since: datetime, waiting: bool = True) -> list[Cluster]:
    """The same of all calls of one campaign, whoever asks: for what a checkpoint counts."""
    calls = Call.objects.filter(REFUSED, started_at__gte=since, campaign_id=campaign.pk)
    return _clusters(calls, waiting=waiting)


def _clusters(calls: QuerySet[Call], *, waiting: bool) -> list[Cluster]:
    gathered = _gathered(calls)
    found = [cluster for cluster in gathered.clusters.values() if cluster.count >= LEAST]
    _answer(found)
    kept = [cluster for cluster in found if not (waiting and cluster.answers)]
    largest = sorted(kept, key=lambda cluster: (-cluster.count, cluster.reason))[:MOST_CLUSTERS]
    _hear(calls, gathered, largest)
    return largest


def _refused(user: User, since: datetime, campaign: int | None) -> QuerySet[Call]:
    scope = user.scope()
    # by city alone, not visible_to(): each of its other ways to a call would have to be sorted
    calls = Call.objects.all() if scope.is_region else Call.objects.filter(city_id__in=scope.city_ids)
    calls = calls.filter(REFUSED, started_at__gte=since)
    return calls if campaign is None else calls.filter(campaign_id=campaign)


def counts_of(calls: QuerySet[Call]) -> QuerySet[Call, dict[str, Any]]:
    """How many calls, by what the index call_refused_day holds; each spelling of a reason by itself, the most frequent first."""
    grouped = calls.order_by().values("campaign_id", "disposition_id", "step_id", "reason")
    counted = grouped.annotate(
        count=Count("*"), mid_calls=Count("mid_call", filter=Q(mid_call=True)), newest=Max("started_at")
    )
    return counted.order_by("-count", "reason")[:MOST_SPELLINGS]


@dataclass
class _Gathered:
    """Clusters by their keys; steps of different versions with the same key are one step."""

    steps: dict[int, ScriptStep]
    clusters: dict[tuple[Any, ...], Cluster] = field(default_factory=dict)

    def key(self, campaign_id: int, result_id: int, step_id: int | None, reason: str) -> tuple[Any, ...]:
        step = self.steps.get(step_id or 0)
        return campaign_id, result_id, plain(reason), step and step.key


def _gathered(calls: QuerySet[Call]) -> _Gathered:
    rows = list(counts_of(calls))
    campaigns = Campaign.objects.select_related("product").in_bulk({row["campaign_id"] for row in rows})
    results = Disposition.objects.in_bulk({row["disposition_id"] for row in rows})
    found = _Gathered(ScriptStep.objects.in_bulk({row["step_id"] for row in rows if row["step_id"]}))
    for row in rows:  # the most frequent spelling comes first, and is shown
        campaign, result, said = campaigns[row["campaign_id"]], results[row["disposition_id"]], row["reason"]
        key = found.key(campaign.pk, result.pk, row["step_id"], said)
        shown = said.strip() if plain(said) else ""
        cluster = found.clusters.setdefault(key, Cluster(campaign, result, shown, found.steps.get(row["step_id"] or 0)))
        cluster.count += row["count"]
        cluster.mid_call += row["mid_calls"]
        cluster.newest = max(cluster.newest or row["newest"], row["newest"])
    return found


def _hear(calls: QuerySet[Call], gathered: _Gathered, shown: Sequence[Cluster]) -> None:
    """What agents typed in the newest of the calls, to the clusters that are shown."""
    wanted = {id(cluster) for cluster in shown}
    spelling: dict[str, str] = {}
    rows = calls.order_by("-started_at").values_list("campaign_id", "disposition_id", "step_id", "reason", "note")
    for *place, note in rows[:MOST_CALLS] if shown else ():
        cluster = gathered.clusters.get(gathered.key(*place)) if plain(note) else None
        if cluster is not None and id(cluster) in wanted:
            cluster.notes[spelling.setdefault(plain(note), " ".join(note.split()).strip(POINTS)[:120])] += 1


def plain(text: str) -> str:
    """What is said without its spelling: "太贵了。" and "太贵了 ！" are the same, and so are "Too dear" and "ＴＯＯ－ＤＥＡＲ"."""
    even = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in even if unicodedata.category(letter)[0] in "LMNS" and letter != "~")


def _answer(found: list[Cluster]) -> None:
    """Objections with answers in use whose reason is that of the cluster, however it is written."""
    known: dict[str, list[Objection]] = defaultdict(list)
    in_use = Objection.objects.filter(retired_at=None, answers__status=ObjectionAnswer.Status.IN_USE)
    for objection in in_use.exclude(reason="").distinct() if found else ():
        known[plain(objection.reason)].append(objection)
    for cluster in found:
        products = (None, cluster.campaign.product_id)
        mine = (objection for reason in sorted(cluster.reasons) for objection in known[reason])
        cluster.answers = [objection for objection in mine if objection.product_id in products]
