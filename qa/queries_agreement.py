"""How far second scorers agree with the first: counted by the database in two statements, judged by qa.agreement.

Unclear items come before strict scorers: how a scorer differs is counted on items that are clear alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from typing import Any

from django.db import connection

from core.stats import wilson
from people.models import City, User
from people.scopes import scope_in
from qa.agreement import LEAST_PAIRS, Agreement, agreement
from qa.models import FormItem, QualityForm
from qa.models.forms import Asked
from qa.rules import AGREEMENT_READERS
from qa.scoring import NOT_APPLICABLE

CLEAR_FROM = 0.6  # AC1 under it: the item is unclear

# one row for each call scored twice: the first and the second evaluation of it, and who made them
PAIRS = """
WITH pairs AS (
    SELECT task.source_id AS first, task.evaluation_id AS second, one.scorer_id AS a, other.scorer_id AS b
    FROM qa_scoringtask task JOIN qa_evaluation one ON one.id = task.source_id JOIN qa_evaluation other ON other.id = task.evaluation_id
    WHERE task.source = 'double' AND task.done_at IS NOT NULL AND task.form_id = %(form)s AND one.version_id = other.version_id
        AND one.withdrawn_at IS NULL AND other.withdrawn_at IS NULL
        AND (%(since)s::timestamptz IS NULL OR task.done_at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR task.done_at < %(until)s)
        AND (%(city)s::bigint IS NULL OR task.city_id = %(city)s)
        AND (%(region)s OR task.city_id = ANY(%(cities)s) OR task.team_id = ANY(%(teams)s))
)
"""
COUNTS = (
    PAIRS
    + """
SELECT said.item_id, said.answer, also.answer, count(*)
FROM pairs JOIN qa_evaluationanswer said ON said.evaluation_id = pairs.first
    JOIN qa_evaluationanswer also ON also.evaluation_id = pairs.second AND also.item_id = said.item_id
GROUP BY said.item_id, said.answer, also.answer
"""
)
# a call counts once for each of its two scorers: what they say goes with the call, so the spread is that between calls
SCORERS = (
    PAIRS
    + """
, calls AS (
    SELECT pairs.first, pairs.a, pairs.b,
        100.0 * avg(qa_earned(said.answer, item.good, item.most_points) - qa_earned(also.answer, item.good, item.most_points))
            FILTER (WHERE item.id = ANY(%(clear)s) AND said.answer <> 'na' AND also.answer <> 'na') AS milder,
        100.0 * avg((said.answer = 'na')::int) AS na_a, 100.0 * avg((also.answer = 'na')::int) AS na_b
    FROM pairs JOIN qa_evaluationanswer said ON said.evaluation_id = pairs.first
        JOIN qa_evaluationanswer also ON also.evaluation_id = pairs.second AND also.item_id = said.item_id
        JOIN qa_formitem item ON item.id = said.item_id
    GROUP BY pairs.first, pairs.a, pairs.b
), sides AS (
    SELECT a AS scorer, milder, na_a AS own, na_b AS others FROM calls UNION ALL SELECT b, -milder, na_b, na_a FROM calls
)
SELECT scorer, count(milder), avg(milder), stddev_samp(milder), count(*), avg(own), avg(others), avg(own - others), stddev_samp(own - others)
FROM sides GROUP BY scorer
"""
)


@dataclass(frozen=True)
class Chosen:
    """Which calls scored twice: of one form, second answers from `since` until before `until`, of one city, within what the user may see."""

    user: User
    form: QualityForm
    since: datetime | None = None
    until: datetime | None = None
    city: City | None = None

    def params(self) -> dict[str, Any]:
        scope = scope_in(self.user, AGREEMENT_READERS)
        return {
            "form": self.form.pk,
            "since": self.since,
            "until": self.until,
            "city": self.city.pk if self.city else None,
            "region": scope.is_region,
            "cities": list(scope.city_ids),
            "teams": list(scope.led_team_ids),
        }


@dataclass(frozen=True)
class Gap:
    """A mean difference in points over `n` calls with its 95 % interval."""

    n: int
    value: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class ItemAgreement:
    """One item (its words, in whatever version) with how often it "does not apply": shares of 1, the interval as if a call were one answer."""

    item: FormItem
    found: Agreement
    na: float
    na_low: float
    na_high: float
    na_elsewhere: float

    @property
    def missing(self) -> int:
        """How many calls more must be scored twice before anything is said."""
        return max(0, LEAST_PAIRS - self.found.pairs)

    @property
    def state(self) -> str:
        """One of "young", "unclear" and "clear"."""
        if not self.found.is_enough:
            return "young"
        value = self.found.ac1.value
        return "unclear" if value is None or value < CLEAR_FROM else "clear"

    @property
    def na_is_high(self) -> bool:
        return self.found.is_enough and self.na_low > self.na_elsewhere


@dataclass(frozen=True)
class ScorerGap:
    """A scorer against the others on the same calls. `milder` over clear items, in points of 100 answers that were good (of an item in points,
    by its share of full points); None while too few.

    `own_na` and `other_na`: of 100 answers how many were "does not apply"; `na` their difference.
    """

    scorer: str
    calls: int
    milder_calls: int
    milder: Gap | None
    own_na: float
    other_na: float
    na: Gap | None

    @property
    def missing(self) -> int:
        return max(0, LEAST_PAIRS - self.calls)


@dataclass(frozen=True)
class Board:
    """The whole page: items that are unclear first, then by agreement; scorers by name."""

    pairs: int
    items: list[ItemAgreement]
    scorers: list[ScorerGap]

    @property
    def missing(self) -> int:
        return max(0, LEAST_PAIRS - self.pairs)

    def _of(self, state: str) -> list[ItemAgreement]:
        return [row for row in self.items if row.state == state]

    @property
    def unclear(self) -> list[ItemAgreement]:
        return self._of("unclear")

    @property
    def clear(self) -> list[ItemAgreement]:
        return self._of("clear")


def board(chosen: Chosen) -> Board:
    """Nothing is counted per item or scorer before 30 calls are scored twice."""
    params = chosen.params()
    pairs = _rows(PAIRS + "SELECT count(*) FROM pairs", params)[0][0]
    if pairs < LEAST_PAIRS:
        return Board(pairs, [], [])
    items, ids = _items(_rows(COUNTS, params))
    clear = [pk for row in items if row.state == "clear" for pk in ids[row.item.asked]]
    return Board(pairs, items, _scorers(_rows(SCORERS, {**params, "clear": clear})))


def _rows(sql: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def _items(rows: Sequence[tuple[Any, ...]]) -> tuple[list[ItemAgreement], dict[Asked, list[int]]]:
    """Two answers agree when they are the same: of an item in points, the same number of points. Also the ids of what was asked."""
    known = FormItem.objects.select_related("stage").in_bulk({row[0] for row in rows})
    cells: dict[Asked, Counter[tuple[str, str]]] = defaultdict(Counter)
    ids: dict[Asked, list[int]] = defaultdict(list)
    for pk, said, also, n in rows:
        asked = known[pk].asked
        cells[asked][said, also] += n
        if pk not in ids[asked]:
            ids[asked].append(pk)
    whole = {asked: (_na(counts), counts.total()) for asked, counts in cells.items()}
    found = [_item(known[max(ids[asked])], counts, asked, whole) for asked, counts in cells.items()]
    return sorted(found, key=_place), ids


def _na(counts: Counter[tuple[str, str]]) -> float:
    """Half of the answers "does not apply": a call in which both say so counts 1."""
    return sum(n * pair.count(NOT_APPLICABLE) / 2 for pair, n in counts.items())


def _item(
    item: FormItem, counts: Counter[tuple[str, str]], asked: Asked, whole: dict[Asked, tuple[float, int]]
) -> ItemAgreement:
    k, n = whole[asked]
    other_k = sum(k for other, (k, _n) in whole.items() if other != asked)
    other_n = sum(n for other, (_k, n) in whole.items() if other != asked)
    low, high = wilson(k, n)
    return ItemAgreement(item, agreement(counts), k / n, low, high, other_k / other_n if other_n else 1.0)


def _place(row: ItemAgreement) -> tuple[int, float, int, int]:
    order = {"unclear": 0, "clear": 1, "young": 2}[row.state]
    value = row.found.ac1.value
    return order, -1.0 if value is None else value, row.item.stage.position, row.item.position


def _scorers(rows: Sequence[tuple[Any, ...]]) -> list[ScorerGap]:
    people = User.objects.in_bulk([row[0] for row in rows])
    found = []
    for pk, n, milder, spread, calls, own, others, na, na_spread in rows:
        found.append(
            ScorerGap(str(people[pk]), calls, n, _gap(n, milder, spread), float(own), float(others), _gap(calls, na, na_spread))
        )  # fmt: skip
    return sorted(found, key=lambda row: row.scorer)


def _gap(n: int, mean: Any, spread: Any) -> Gap | None:
    """With Student's t. None under 30 calls."""
    if n < LEAST_PAIRS:
        return None
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, 0.975)) * float(spread) / sqrt(n)
    return Gap(n, float(mean), float(mean) - half, float(mean) + half)
