"""What quality does when a lower floor has news."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver
from django.utils.translation import gettext as _

from campaigns.signals import gate_deciding, gate_overridden, stage_entering


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


@receiver(stage_entering, dispatch_uid="qa.must_be_passed_for_its_version")
def must_be_passed_for_its_version(sender: Any, *, gate: Any, **_more: Any) -> None:
    """Runs inside the transaction that begins the stage: what was reviewed is what begins. Overridden gates hold for any version."""
    from qa import queries_reviews
    from qa.services import reviews

    if queries_reviews.passed_for(gate):
        raise reviews.NotInOrder(_("The gate was passed for another script version. Open its review again."))
