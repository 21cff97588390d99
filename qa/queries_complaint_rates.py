"""Complaints per 1,000 customers reached: by city, campaign, agent, script version and article.

Not the indicator "complaint rate": that counts customers for whom an agent ticked a complaint in the result of the call. Here it is
complaints as they were taken, from whomever and whenever, about calls of the days asked for; so one that comes a week after the call counts
with the call's day. Both stand over the same customers reached: outbound calls that were answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from campaigns.models import Call
from campaigns.queries_calls import Names
from core.calendar import range_bounds
from core.stats import wilson
from customers.merged import PersonOf
from metrics.queries import rows_of
from metrics.questions import Period, Question, Reach
from people.models import User
from people.scopes import scope_in
from qa.models import Complaint
from qa.models.complaints import COMPLAINT_READERS
from scripts.models import Article, ScriptVersion

LEAST = 100  # customers reached; under it a rate says nothing, as with the indicator
MOST_DAYS = 31  # script versions are counted from the calls themselves, not from the rollup
ROWS = 50
Cause = Complaint.Cause


@dataclass(frozen=True)
class Rate:
    """`complained` of `reached` customers; `traced`: complaints of which this was found to be the cause (None: never is).

    `reached` None: nobody can say how many customers heard it. `per_1000`, `low`, `high` (95 %, Wilson) are for 1,000 customers.
    """

    name: str
    complained: int
    reached: int | None
    traced: int | None = None

    @property
    def is_young(self) -> bool:
        return self.reached is None or self.reached < LEAST

    @property
    def per_1000(self) -> float:
        return self.complained / self.reached * 1000 if self.reached else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Complaints are read at once and may be ahead of the rollup: then all are taken to have complained."""
        reached = self.reached or 0
        low, high = wilson(min(self.complained, reached), reached)
        return low * 1000, high * 1000

    @property
    def low(self) -> float:
        return self.interval[0]

    @property
    def high(self) -> float:
        return self.interval[1]


@dataclass(frozen=True)
class Rates:
    """All groups of some days. `aside`: complaints received in these days that stand over nobody reached: without a call, of a call that
    came in, or of one that nobody answered."""

    total: Rate
    by_city: list[Rate]
    by_campaign: list[Rate]
    by_agent: list[Rate]
    by_version: list[Rate]
    by_article: list[Rate]
    aside: int


class RatesOf:
    """The rates of what a user answers for, of calls from `first` to `last`, both included."""

    def __init__(self, user: User, first: date, last: date) -> None:
        self.first, self.last, self.names = first, last, Names()
        self.since, self.until = range_bounds(first, last)
        scope = scope_in(user, COMPLAINT_READERS)
        self.reach = Reach(scope.is_region, tuple(sorted(scope.city_ids)), tuple(sorted(scope.led_team_ids)))
        place = Q(city_id__in=scope.city_ids) | Q(team_id__in=scope.led_team_ids)
        self.place = Q() if scope.is_region else place
        self.calls = Call.objects.filter(
            self.place, started_at__gte=self.since, started_at__lt=self.until, connected=True, direction="outbound"
        )
        own = self.calls.filter(pk=OuterRef("call_id"), started_at=OuterRef("call_started_at"))
        days = {"call_started_at__gte": self.since, "call_started_at__lt": self.until}
        self.complaints: QuerySet[Complaint] = Complaint.objects.filter(self.place, Exists(own), **days)

    def all(self) -> Rates:
        received = Complaint.objects.filter(self.place, received_at__gte=self.since, received_at__lt=self.until)
        calls = Call.objects.filter(pk=OuterRef("call_id"), started_at=OuterRef("call_started_at"))
        heard = calls.filter(connected=True, direction="outbound")
        total = self.complaints.aggregate(n=Count(PersonOf("customer_id"), distinct=True))["n"]
        return Rates(
            total=Rate("", total, self._reached(()).get((), 0)),
            by_city=self._by("city", self.names.cities),
            by_campaign=self._by("campaign", self.names.campaigns),
            by_agent=self._by("agent", self.names.agents, Cause.AGENT),
            by_version=self._by_version(),
            by_article=self._by_article(),
            aside=received.exclude(Exists(heard)).count(),
        )

    def _reached(self, by: tuple[str, ...]) -> dict[tuple[int | None, ...], int]:
        question = Question((Period("total", self.first, self.last),), by, {}, self.reach)
        return {row.key: row.counts["customers_reached"] or 0 for row in rows_of(question, ["customers_reached"])}

    def _counted(self, field: str, cause: str = "") -> list[tuple[int, int, int]]:
        """(id, customers who complained, complaints traced to it), the most complained of first."""
        rows = self.complaints.exclude(**{field: None}).order_by().values_list(field)
        counts = {
            "n": Count(PersonOf("customer_id"), distinct=True),
            "k": Count("pk", filter=Q(cause=cause) if cause else Q(pk=None)),
        }
        return list(rows.annotate(**counts).order_by("-n", field)[:ROWS])

    def _by(self, name: str, names: dict[int, str], cause: str = "") -> list[Rate]:
        found = self._counted(f"{name}_id", cause)
        reached = self._reached((name,)) if found else {}
        return _sorted(
            Rate(names.get(pk, f"#{pk}"), n, reached.get((pk,), 0), k if cause else None) for pk, n, k in found
        )

    def _by_version(self) -> list[Rate]:
        found = self._counted("script_version_id", Cause.SCRIPT)
        ids = [pk for pk, _n, _k in found]
        heard = self.calls.filter(script_version_id__in=ids).order_by().values_list("script_version_id")
        reached = dict(heard.annotate(n=Count(PersonOf("customer_id"), distinct=True))) if ids else {}
        names = {row.pk: str(row) for row in ScriptVersion.objects.filter(pk__in=ids).select_related("script")}
        return _sorted(Rate(names.get(pk, f"#{pk}"), n, reached.get(pk, 0), k) for pk, n, k in found)

    def _by_article(self) -> list[Rate]:
        """An article stands over the customers who were called for its products; without products nobody can say who heard it."""
        found = self._counted("cause_article_id", Cause.ARTICLE)
        articles = Article.objects.prefetch_related("products").in_bulk([pk for pk, _n, _k in found])
        rows = []
        for pk, n, k in found:
            products = [product.pk for product in articles[pk].products.all()]
            heard = self.calls.filter(product_id__in=products).values(person=PersonOf("customer_id")).distinct()
            rows.append(Rate(articles[pk].title, n, heard.count() if products else None, k))
        return _sorted(rows)


def _sorted(rows: Iterable[Rate]) -> list[Rate]:
    """What says something first, the highest rate on top."""
    return sorted(rows, key=lambda row: (row.is_young, -row.per_1000, row.name))
