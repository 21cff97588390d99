"""Who may score a call: QA of its place, and never of the agent's own team; and whose turn it is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Count

from core.calendar import business_date
from people.models import Membership
from qa.models import ScoringTask
from qa.models.work import OWN_TEAM, SCORERS


class Scorers:
    """Read once for many calls; anything with `city_id`, `team_id` and `agent_id` is a call here."""

    def __init__(self, at: datetime) -> None:
        held = Membership.objects.valid_on(business_date(at)).filter(user__is_active=True)
        scorers = list(held.filter(role__in=SCORERS).values_list("user_id", "city_id", "team_id"))
        self._everywhere = {user for user, city, team in scorers if city is None and team is None}
        self._of_city: dict[int, set[int]] = defaultdict(set)
        self._of_team: dict[int, set[int]] = defaultdict(set)
        for user, city, team in scorers:
            if city is not None:
                self._of_city[city].add(user)
            if team is not None:
                self._of_team[team].add(user)
        self._users = {user for user, _city, _team in scorers}
        self._tied = set(held.filter(role__in=OWN_TEAM, user__in=self._users).values_list("user_id", "team_id"))

    def of(self, call: Any) -> list[int]:
        """Users of QA of the call's city or team or of the region, none of them its agent, nor in the agent's team or leading it."""
        return self._free(call, self._of_place(call) | self._everywhere)

    def next_for(self, call: Any) -> int | None:
        """Of the call's place, else of the region, the one with the least to do, who has one call more from now on; None where there is nobody,
        so that it waits for anybody."""
        for group in (self._of_place(call), self._everywhere):
            if free := self._free(call, group):
                chosen = min(free, key=lambda user: (self._load[user], user))
                self._load[chosen] += 1
                return chosen
        return None

    def _of_place(self, call: Any) -> set[int]:
        return self._of_city[call.city_id] | self._of_team[call.team_id]

    def _free(self, call: Any, users: Iterable[int]) -> list[int]:
        return sorted(user for user in users if user != call.agent_id and (user, call.team_id) not in self._tied)

    @cached_property
    def _load(self) -> Counter[int]:
        open_now = ScoringTask.objects.open().filter(scorer__in=self._users).order_by().values_list("scorer")
        return Counter(dict(open_now.annotate(n=Count("pk"))))
