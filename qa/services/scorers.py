"""Who may score a call: QA of its place, and never of the agent's own team."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from qa.services.sampling import Balance


class Scorers:
    """Read once for many calls; anything with `city_id`, `team_id` and `agent_id` is a call here."""

    def __init__(self, at: datetime) -> None:
        self._held = Balance(at, [])

    def of(self, call: Any) -> list[int]:
        """Users of QA of the call's city or team or of the region, none of them its agent, nor in the agent's team or leading it."""
        held = self._held
        found = held.of_city[call.city_id] | held.of_team[call.team_id] | set(held.everywhere)
        return sorted(user for user in found if user != call.agent_id and (user, call.team_id) not in held.tied)
