"""What metrics shows of complaints as they were taken, from whomever and however late: counted with the call that they are about.

The indicator "complaint rate" is another: it counts customers for whom the agent ticked a complaint in the result of the call. Both stand over
the same customers reached, so only complaints about outbound calls that were answered count (as on qa:complaint-rates).
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from customers.merged import MERGED
from metrics.grouped import GroupedRows
from metrics.questions import Question
from metrics.registry import BY_CALL, Indicator, Measure, Rows, register, register_source
from qa import rules
from qa.measures import OF

# Who was merged into another is that one, as in the rollups that count the customers reached.
TAKEN = f"""{MERGED}
SELECT f.number{{keys}}, count(*), count(DISTINCT f.customer_id)
FROM (SELECT width_bucket(k.call_started_at, %s::timestamptz[]) - 1 AS number, k.city_id, k.team_id, k.agent_id, k.campaign_id,
             coalesce(m.person, k.customer_id) AS customer_id
      FROM qa_complaint k JOIN campaigns_call c ON c.id = k.call_id AND c.started_at = k.call_started_at
           LEFT JOIN merged m ON m.id = k.customer_id
      WHERE k.call_started_at >= %s AND k.call_started_at < %s AND c.started_at >= %s AND c.started_at < %s AND c.connected AND c.direction = 'outbound') f
WHERE {{seen}} GROUP BY f.number{{keys}}"""


def _complaints(counted: str) -> Rows:
    days = ("called_since", "called_until")
    return Rows("qa:complaints", {"counted": counted}, rules.can_see_complaint_rates, days=days, groups=OF)


class TakenComplaints(GroupedRows):
    """Complaints about answered outbound calls. Agents are not told who complained about the own calls, so they see no figure of it."""

    name = "qa_taken_complaints"
    sql = TAKEN
    measures = (
        Measure("qa_complaints", _("Complaints about these calls"), rows=_complaints("complaints"), for_agent=False),
        Measure(
            "qa_complainants",
            _("Customers with a complaint about these calls"),
            rows=_complaints("customers"),
            for_agent=False,
        ),
    )

    def values(self, question: Question) -> list[Any]:
        """The days once more for the calls: bounds alone say which of their partitions are read."""
        starts, *bounds = super().values(question)
        return [starts, *bounds, *bounds]


register_source(TakenComplaints())
register(
    Indicator(
        "complaints_taken_rate",
        _("Complaints taken"),
        _("customers with a complaint about a call / customers reached"),
        _(
            "Complaints as they were taken, by whomever and however late, with the day of the call they are about. The complaint rate beside it counts those that agents recorded as the result of the call."
        ),
        ("qa_complainants",),
        ("customers_reached",),
        BY_CALL,
        better="down",
        least=100,
        places=2,
        matures_days=30,
    )
)
