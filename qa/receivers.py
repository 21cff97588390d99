"""What quality does when a lower floor has news."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from campaigns.signals import gate_deciding, gate_overridden


@receiver(gate_deciding, dispatch_uid="qa.must_be_reviewed")
def must_be_reviewed(sender: Any, *, gate: Any, passed: bool, at: datetime, **_more: Any) -> None:
    """Runs inside the transaction that decides the gate, and refuses what no review decided."""
    from qa.services import reviews

    reviews.must_be_reviewed(gate, passed, at)


@receiver(gate_overridden, dispatch_uid="qa.close_overridden")
def close_overridden(sender: Any, *, gate: Any, by: Any, at: datetime, **_more: Any) -> None:
    """Runs inside the transaction of the override: the open review goes with it."""
    from qa.services import reviews

    reviews.close_overridden(gate=gate, by=by, at=at)
