"""What the top floor does when a lower one has news."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from campaigns.signals import call_recorded
from core.clock import database_now


@receiver(call_recorded, dispatch_uid="telemkt.play_sample")
def play_sample(sender: Any, *, call_id: int, started_at: datetime, **_more: Any) -> None:
    """The simulated telephone records too, where the demo was made."""
    from telemkt.demo import sounds

    sounds.play_sample(call_id=call_id, started_at=started_at, clock=database_now)
