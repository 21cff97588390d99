"""Leads that agents put away undialled, by agent: how many of those shown, why, and who does it far more than the team."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db import connection
from django.db.models import Count

from campaigns.models import LeadSkip
from core.calendar import range_bounds, region_zone
from core.stats import newcombe
from people.models import Team, User

# Fewer shown than this, to the agent or to the rest of the team, and nothing is said of a difference.
LEAST_SHOWN = 30
# Far more: at least so many times the share of the rest, and not by chance even though many agents are looked at (z of 1 in 740).
FAR = 2
Z_FAR = 3.0
TOP_REASONS, OWN_REASONS, MOST_REASONS = 10, 3, 20_000


@dataclass(frozen=True)
class Skips:
    """Of `shown` leads (dialled or skipped) `skipped` were put away. `rest` is the same of the others of the team."""

    skipped: int
    shown: int
    agent: User | None = None
    team: Team | None = None
    rest: Skips | None = None
    reasons: list[tuple[str, int]] = field(default_factory=list)

    @property
    def share(self) -> float | None:
        return self.skipped / self.shown if self.shown else None

    @property
    def is_far_more(self) -> bool:
        """Far more than the rest of the team: perhaps picking the easy customers. A reason to ask, no proof."""
        rest = self.rest
        if rest is None or min(self.shown, rest.shown) < LEAST_SHOWN:
            return False
        low, _high = newcombe(self.skipped, self.shown, rest.skipped, rest.shown, Z_FAR)
        return low > 0 and self.skipped * rest.shown >= FAR * rest.skipped * self.shown


@dataclass(frozen=True)
class SkipReport:
    """Teams with their agents, and the reasons given most often."""

    teams: list[tuple[Skips, list[Skips]]]
    whole: Skips
    reasons: list[tuple[str, int]]


# Each agent in each team only for the days of belonging to it, so that nobody carries another team's figures along.
COUNTED = """
WITH who AS (
  SELECT user_id, team_id, greatest(valid_from::timestamp AT TIME ZONE %(zone)s, %(start)s) AS begins,
    least(coalesce(valid_to::timestamp AT TIME ZONE %(zone)s, %(end)s), %(end)s) AS ends
  FROM people_membership
  WHERE role = 'agent' AND team_id = ANY(%(teams)s) AND valid_from <= %(last)s AND (valid_to IS NULL OR valid_to > %(first)s))
SELECT w.team_id, w.user_id, sum(s.n)::bigint, sum(c.n)::bigint FROM who w
CROSS JOIN LATERAL (SELECT count(*) AS n FROM campaigns_leadskip s
  WHERE s.agent_id = w.user_id AND s.at >= w.begins AND s.at < w.ends AND s.team_id = w.team_id) s
CROSS JOIN LATERAL (SELECT count(*) AS n FROM campaigns_livecall c
  WHERE c.agent_id = w.user_id AND c.placed_at >= w.begins AND c.placed_at < w.ends) c
GROUP BY 1, 2 HAVING sum(s.n) + sum(c.n) > 0"""


def skip_report(*, user: User, first: date, last: date, team: int | None = None) -> SkipReport:
    """Days from first to last, both included; teams that the user may see. Most skips by share first within a team."""
    visible = Team.objects.visible_to(user)
    teams = {row.pk: row for row in (visible.filter(pk=team) if team is not None else visible)}
    start, end = range_bounds(first, last)
    params = {
        "zone": str(region_zone()), "start": start, "end": end, "first": first, "last": last, "teams": list(teams),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, params)
        counted = cursor.fetchall()
    said = _reasons(list(teams), params)
    agents = User.objects.in_bulk({row[1] for row in counted})
    parts = _by_team(counted, teams, agents, said)
    every: Counter[str] = Counter()
    for reasons in said.values():
        every.update(reasons)
    return SkipReport(parts, _together(whole for whole, _agents in parts), every.most_common(TOP_REASONS))


def _by_team(
    counted: Iterable[tuple[int, int, int, int]],
    teams: dict[int, Team],
    agents: dict[int, User],
    said: dict[tuple[int, int], Counter[str]],
) -> list[tuple[Skips, list[Skips]]]:
    found: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for team, agent, skipped, dialled in counted:
        found[team].append((agent, skipped, skipped + dialled))
    parts = []
    for team, rows in found.items():
        skipped, shown = sum(row[1] for row in rows), sum(row[2] for row in rows)
        own = [
            Skips(
                some, seen, agents[agent], teams[team], Skips(skipped - some, shown - seen),
                said[team, agent].most_common(OWN_REASONS),
            )
            for agent, some, seen in rows
        ]  # fmt: skip
        own.sort(key=lambda row: (-(row.share or 0), -row.shown, str(row.agent)))
        parts.append((Skips(skipped, shown, team=teams[team]), own))
    return sorted(parts, key=lambda part: str(part[0].team))


def _reasons(teams: list[int], params: dict[str, object]) -> dict[tuple[int, int], Counter[str]]:
    """By team and agent; words that differ in blanks and capitals alone are the same reason."""
    rows = (
        LeadSkip.objects.filter(team__in=teams, at__gte=params["start"], at__lt=params["end"])
        .exclude(reason="")
        .values_list("team", "agent", "reason")
        .annotate(n=Count("*"))
        .order_by("-n", "reason")[:MOST_REASONS]
    )
    spelling: dict[str, str] = {}
    found: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    for team, agent, reason, n in rows:
        plain = " ".join(reason.split())
        found[team, agent][spelling.setdefault(plain.lower(), plain)] += n
    return found


def _together(parts: Iterable[Skips]) -> Skips:
    parts = list(parts)
    return Skips(sum(part.skipped for part in parts), sum(part.shown for part in parts))
