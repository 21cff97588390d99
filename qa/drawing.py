"""Drawing calls at random, in the database: one pass over the calls of a period, whatever the number of agents.

Of each agent's N calls n are drawn, each with the probability n/N exactly. The calls stand in the order of their groups and, within a group,
in a random one; with k a random whole number under N, the call at place r (from 0) is drawn where (r*n + k) div N goes up: a systematic
sample with a random start. So n is met exactly, and each group has its share to within one call. Without groups the order is wholly random
and the sample a simple one. All chance comes from md5 of the seed: the same seed draws the same calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from customers.models import Customer, PersonRequest
from qa.models import SamplingPlan

# what a pick says of its group; lengths as in the filter of recordings
GROUPS = {
    "campaign": "c.campaign_id::text",
    "result": "CASE WHEN c.sale THEN 'sale' WHEN c.refuses_offer OR c.mid_call THEN 'refused' ELSE 'other' END",
    "length": "CASE WHEN c.talk_seconds < 30 THEN 'a' WHEN c.talk_seconds < 120 THEN 'b' WHEN c.talk_seconds < 600 THEN 'c' ELSE 'd' END",
    "hour": "to_char(c.started_at AT TIME ZONE %(zone)s, 'HH24')",
}
HEARD = """EXISTS (SELECT FROM qa_recording r JOIN qa_sound s ON s.id = r.sound_id WHERE r.call_id = c.id AND r.call_started_at = c.started_at
  AND r.call_started_at >= %(start)s AND r.call_started_at < %(end)s AND r.destroyed_at IS NULL AND s.state <> 'broken')"""
ANSWERED = """c.started_at >= %(start)s AND c.started_at < %(end)s AND c.connected AND c.talk_seconds >= %(least)s
  AND (%(city)s::bigint IS NULL OR c.city_id = %(city)s) AND (%(campaign)s::bigint IS NULL OR c.campaign_id = %(campaign)s)
  AND c.customer_id <> ALL(%(locked)s::bigint[])"""
FRAME = """
CREATE TEMP TABLE sample_frame ON COMMIT DROP AS
SELECT c.id, c.started_at, c.agent_id, {group} AS stratum FROM campaigns_call c WHERE {answered} AND {heard}"""
QUOTA = """
WITH quota AS (SELECT * FROM unnest(%(agents)s::bigint[], %(wanted)s::int[]) AS q(agent_id, wanted)), counted AS (
  SELECT f.agent_id, count(*) AS n, least(coalesce(max(q.wanted), %(usual)s), count(*)) AS take,
    ('x' || substr(md5(%(seed)s::text || ':start:' || f.agent_id), 1, 15))::bit(60)::bigint %% count(*) AS k
  FROM sample_frame f LEFT JOIN quota q USING (agent_id) GROUP BY f.agent_id)"""
PICKS = (
    QUOTA
    + """, placed AS (
  SELECT f.id, f.started_at, f.agent_id, f.stratum, o.n, o.take, o.k,
    row_number() OVER (PARTITION BY f.agent_id ORDER BY f.stratum COLLATE "C", md5(%(seed)s::text || ':call:' || f.id)::uuid, f.id) - 1 AS r
  FROM sample_frame f JOIN counted o USING (agent_id) WHERE o.take > 0)
SELECT id, started_at, agent_id, stratum, n, take FROM placed WHERE ((r + 1) * take + k) / n > (r * take + k) / n ORDER BY id"""
)
UNHEARD = "SELECT DISTINCT c.agent_id FROM campaigns_call c WHERE {answered} AND c.agent_id = ANY(%(short)s)"
FRESH = """
SELECT c.id, c.started_at, c.agent_id, {group}, count(*) OVER () AS n FROM campaigns_call c WHERE {answered} AND c.agent_id = %(agent)s AND {heard}
ORDER BY c.id = ANY(%(known)s), md5(%(seed)s::text || ':instead:' || %(pick)s::text || ':' || c.id) LIMIT 1"""


@dataclass(frozen=True)
class Drawn:
    """A call that was drawn: one of `take` among the `n` of its agent."""

    call_id: int
    started_at: datetime
    agent_id: int
    stratum: str
    n: int
    take: int

    @property
    def probability(self) -> float:
        return self.take / self.n


def _group(plan: SamplingPlan) -> str:
    return " || '/' || ".join(GROUPS[name] for name in GROUPS if name in plan.strata) or "''"


def _locked() -> list[int]:
    """Persons nobody works with until their lock is lifted, with those who were merged into them."""
    locks = PersonRequest.objects.filter(kind="lock", state="done", lifted_at=None)
    ids = list(locks.values_list("customer_id", flat=True))
    return ids + list(Customer.objects.filter(merged_into__in=ids).values_list("pk", flat=True))


def _values(plan: SamplingPlan, start: datetime, end: datetime, seed: str) -> dict[str, object]:
    return {
        "start": start, "end": end, "least": plan.least_seconds, "city": plan.city_id, "campaign": plan.campaign_id,
        "seed": seed, "zone": settings.TIME_ZONE, "usual": plan.picks, "locked": _locked(),
    }  # fmt: skip


def draw(
    plan: SamplingPlan, start: datetime, end: datetime, seed: str, wanted: Mapping[int, int]
) -> tuple[list[Drawn], dict[int, int]]:
    """The picks, and how many calls there were to draw from by agent. `wanted`: calls asked for of those agents who differ from the plan.
    Within a transaction."""
    values = _values(plan, start, end, seed) | {"agents": list(wanted), "wanted": list(wanted.values())}
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS sample_frame")
        cursor.execute(FRAME.format(group=_group(plan), answered=ANSWERED, heard=HEARD), values)
        cursor.execute("ANALYZE sample_frame")
        cursor.execute(PICKS, values)
        picks = [Drawn(*row) for row in cursor.fetchall()]
        cursor.execute("SELECT agent_id, count(*) FROM sample_frame GROUP BY agent_id")
        found = dict(cursor.fetchall())
        cursor.execute("DROP TABLE sample_frame")
    return picks, found


def agents_answered(plan: SamplingPlan, start: datetime, end: datetime, short: list[int]) -> set[int]:
    """Those of `short` who had a call that the plan looks at, heard or not."""
    values = _values(plan, start, end, "") | {"short": short}
    with connection.cursor() as cursor:
        cursor.execute(UNHEARD.format(answered=ANSWERED), values)
        return {row[0] for row in cursor.fetchall()}


def draw_instead(
    plan: SamplingPlan, start: datetime, end: datetime, seed: str, *, pick: int, agent: int, known: list[int], take: int
) -> Drawn | None:
    """A fresh call of the agent that was not drawn before, at random among all that can still be heard; None when there is none."""
    values = _values(plan, start, end, seed) | {"pick": pick, "agent": agent, "known": known}
    with connection.cursor() as cursor:
        cursor.execute(FRESH.format(group=_group(plan), answered=ANSWERED, heard=HEARD), values)
        row = cursor.fetchone()
    if row is None or row[0] in known:
        return None
    return Drawn(*row, take=min(take, row[4]))
