"""Who may do what in staffing."""

from __future__ import annotations

from people.models import User
from qa.rules import can_see_evaluations


def can_see_growth(user: User) -> bool:
    """Of whom is asked of Evaluation.visible_to: an agent sees the own, a leader the team's, others their cities'."""
    return can_see_evaluations(user)
