"""How old the do-not-call register is that we hold. Apart from the work on registers, since every judge of a call asks it."""

from __future__ import annotations

from datetime import date

from customers.models import Register


def newest_date() -> date | None:
    """The date of the newest register that is in force whole."""
    newest: date | None = Register.objects.whole().order_by("-dated_on").values_list("dated_on", flat=True).first()
    return newest
