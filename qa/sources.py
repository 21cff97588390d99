"""Calls as sources of best phrases and answers."""

from __future__ import annotations

from campaigns.models import Call
from people.models import User
from qa.models import Recording
from scripts import sources


def _find(user: User, call_id: int) -> sources.Source | None:
    """As long as its longest recording, else as people talked."""
    call = Call.objects.visible_to(user).filter(pk=call_id).first()
    if call is None:
        return None
    recorded = Recording.objects.filter(call_id=call_id).order_by("-seconds").values_list("seconds", flat=True).first()
    agent = User.objects.filter(pk=call.agent_id).values_list("pk", flat=True).first()
    return sources.Source(seconds=recorded or call.talk_seconds, said_by=agent)


sources.offer(_find)
