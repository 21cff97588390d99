"""How old the do-not-call registers are that we hold, by source. Apart from the work on registers, since every judge of a call asks it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import connection

from customers.models import Register, RegisterRetirement


@dataclass(frozen=True)
class SourceAge:
    """A source with its newest whole register. `retirement`: why nothing of it counts; None when it counts."""

    register: Register
    retirement: RegisterRetirement | None

    @property
    def counts(self) -> bool:
        return self.retirement is None


def counted_date() -> date | None:
    """The date by which the rules judge: of the newest whole register of each source in use, the oldest. None: there is none.

    The database function is the only definition; claim and dial ask it too.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT customers_register_date()")
        found: date | None = cursor.fetchone()[0]
    return found


def sources() -> list[SourceAge]:
    """Every source that has a whole register in force, the oldest first, those retired last."""
    newest = Register.objects.whole().order_by("source", "-dated_on", "-pk").distinct("source")
    retired = {row.source: row for row in RegisterRetirement.objects.standing().select_related("retired_by")}
    found = [SourceAge(row, retired.get(row.source)) for row in newest]
    return sorted(found, key=lambda item: (not item.counts, item.register.dated_on, item.register.source))
