"""Experiments judged: what became of the persons of each arm, and what may be said of the difference to the first arm.

Only looks decide: at the sizes fixed beforehand, against limits that allow for looking several times and for several arms. What stands
here between two looks is a peek, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import connections

from campaigns.models import Experiment, ExperimentArm
from core.stats import (
    Difference,
    difference,
    harm_limit,
    obrien_fleming,
    one_sided_p,
    probability_better,
    rare_excess_p,
)
from metrics import registry
from metrics.facts import merged_persons
from metrics.scorecards import Rate, rate_of

Stop = ExperimentArm.Stop
BROKE_OFF = "customers_broke_off"
MEASURES = (
    "customers_called",
    "customers_reached",
    "customers_won",
    "customers_cancelled",
    "customers_complained",
    BROKE_OFF,
)
# Of these, for an indicator that needs time to ripen, only what came of calls that are old enough.
RIPENING = ("customers_reached", "customers_won", "customers_cancelled")
# Every person of the experiment with what their calls in it came to. A call counts for the arm that it bore.
SQL = """
WITH called AS (
    SELECT p.customer_id, p.arm_id, c.experiment_arm_id, c.connected, c.sale, c.complaint, c.mid_call, c.started_at <= %s AS ripe,
           c.sale AND EXISTS (SELECT FROM campaigns_order o WHERE o.call_id = c.id AND o.call_started_at = c.started_at AND o.state = 'cancelled') AS cancelled
      FROM campaigns_experimentperson p
      JOIN campaigns_call c ON c.customer_id = p.customer_id AND c.started_at >= %s AND c.experiment_arm_id IN %s
     WHERE p.experiment_id = %s)
SELECT customer_id, arm_id, experiment_arm_id, bool_or(connected), bool_or(sale), bool_or(cancelled), bool_or(complaint), bool_or(mid_call),
       bool_or(connected AND ripe), bool_or(sale AND ripe), bool_or(cancelled AND ripe)
  FROM called
 GROUP BY 1, 2, 3"""

Counts = dict[int, dict[str, int]]

# What is said of an arm beside the first one.
EARLY, BETTER, NO_GAIN, UNCLEAR, WORSE, COMPLAINTS = (
    "early", "better", "no_gain", "unclear", Stop.WORSE.value, Stop.COMPLAINTS.value
)  # fmt: skip
HARMFUL = (WORSE, COMPLAINTS)


def count_arms(experiment: Experiment, arms: Sequence[ExperimentArm], at: datetime) -> Counts:
    """{arm: {measure: distinct persons}}. Somebody merged into another person is that person, and counts in that person's arm.

    For an indicator that ripens (cancellations come weeks after the sale) the measures of RIPENING stand there twice, as "ripe_..." from those
    calls alone that are old enough by `at`: by these the arms are compared.
    """
    days = matures_days(experiment)
    names = [*MEASURES, *(ripe(name) for name in RIPENING if days)]
    counts: Counts = {arm.pk: dict.fromkeys(names, 0) for arm in arms}
    if experiment.started_at is None:
        return counts
    with connections[settings.REPORTS_DATABASE].cursor() as cursor:
        cursor.execute(SQL, [at - timedelta(days=days), experiment.started_at, tuple(counts), experiment.pk])
        rows = cursor.fetchall()
    for arm, marks in _persons(rows):
        counts[arm]["customers_called"] += 1
        for name, is_so in zip(names[1:], marks, strict=False):
            counts[arm][name] += is_so
    return counts


def matures_days(experiment: Experiment) -> int:
    """So old must a call be to count for the indicator; 0: at once."""
    found = registry.indicator(experiment.indicator)
    return found.matures_days if found else 0


def ripe(measure: str) -> str:
    return f"ripe_{measure}"


def _persons(rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[int, list[bool]]]:
    """(arm, marks) of every person of today, the marks of who was merged into them with theirs."""
    merged = merged_persons()
    rows = list(rows)
    own = {customer: arm for customer, arm, *_more in rows}
    found: dict[int, list[bool]] = {}
    arms: dict[int, int] = {}
    for customer, arm, called_as, *marks in rows:
        person = merged.get(customer, customer)
        if called_as != own.get(person, arm):
            continue
        arms[person] = called_as
        before = found.setdefault(person, [False] * len(marks))
        found[person] = [was or bool(now) for was, now in zip(before, marks, strict=True)]
    return ((arms[person], marks) for person, marks in found.items())


# ---------------------------------------------------------------- one arm beside the first


@dataclass(frozen=True)
class Line:
    """One arm as it stands. `gain`: this arm minus the first, as shares; None for the first arm itself, and while there is nothing to compare."""

    arm: ExperimentArm
    counts: Mapping[str, int]
    experiment: Experiment
    first: Rate | None = None

    @cached_property
    def rate(self) -> Rate:
        """By what is ripe, where the indicator needs time to ripen."""
        counted = {name: self.counts.get(ripe(name), count) for name, count in self.counts.items()}
        return rate_of(counted, self.experiment.indicator)

    @cached_property
    def gain(self) -> Difference | None:
        return difference(*self._parts(self.first)) if self.first else None

    @cached_property
    def better(self) -> float | None:
        """Probability that this arm is truly better than the first."""
        if self.first is None or self.gain is None:
            return None
        higher = probability_better(*self._parts(self.first))
        return 1 - higher if self.experiment.fewer_is_better else higher

    def _parts(self, first: Rate) -> tuple[int, int, int, int]:
        return max(self.rate.numerator, 0), self.rate.denominator, max(first.numerator, 0), first.denominator

    @cached_property
    def complaints(self) -> Rate:
        return rate_of(self.counts, "complaint_rate")

    @property
    def reached(self) -> int:
        return self.counts["customers_reached"]

    @property
    def won(self) -> int:
        return self.counts["customers_won"]

    @property
    def broke_off(self) -> int:
        return self.counts[BROKE_OFF]

    @property
    def size(self) -> int:
        """Persons that count for the looks: the denominator of the indicator."""
        return self.rate.denominator

    @property
    def unripe(self) -> int:
        """Persons that will count for the looks when their calls are old enough."""
        return rate_of(self.counts, self.experiment.indicator).denominator - self.size


def lines_of(
    experiment: Experiment, arms: Sequence[ExperimentArm], counts: Mapping[int, Mapping[str, int]]
) -> list[Line]:
    """The arms in their order, each but the first beside it."""
    first = Line(arms[0], counts[arms[0].pk], experiment)
    return [first, *(Line(arm, counts[arm.pk], experiment, first.rate) for arm in arms[1:])]


def judge(line: Line, first: Line, experiment: Experiment, *, look: int, comparisons: int) -> str:
    """What a look says of an arm: better, no_gain (the data leave no room for one that is worth having), early, after the last look unclear, or
    what it is stopped for (worse, complaints)."""
    if line.gain is None:
        return EARLY
    if experiment.stops_for_harm and (found := harm_of(line, first, experiment)):
        return found
    z = -line.gain.z if experiment.fewer_is_better else line.gain.z
    if z >= obrien_fleming(experiment.looks, comparisons)[look - 1]:
        return BETTER
    if hopeless(line.gain, experiment):
        return NO_GAIN
    return UNCLEAR if look == experiment.looks else EARLY


def harm_of(line: Line, first: Line, experiment: Experiment) -> str:
    """Why the arm is stopped, or "": clearly worse by the indicator, or clearly more complaints; each wrong for 5 % of harmless arms."""
    assert line.gain is not None
    limit = harm_limit(experiment.looks)
    z = -line.gain.z if experiment.fewer_is_better else line.gain.z
    if z <= -limit:
        return WORSE
    return COMPLAINTS if not matures_days(experiment) and complains_more(line, first, experiment) else ""


def complains_more(line: Line, first: Line, experiment: Experiment) -> bool:
    """Complaints are made in the call itself: where the figures must ripen they are looked at before, at the sizes of the looks, see
    complaints_due; asked again with the ripe figures they would err twice."""
    one, other = line.complaints, first.complaints
    more = rare_excess_p(one.numerator, one.denominator, other.numerator, other.denominator)
    return more <= one_sided_p(harm_limit(experiment.looks))


def hopeless(gain: Difference, experiment: Experiment) -> bool:
    """Whether the data leave no room for the smallest difference worth having."""
    most = -gain.low if experiment.fewer_is_better else gain.high
    return most < float(experiment.smallest_points) / 100


# ---------------------------------------------------------------- looks


def size_at(experiment: Experiment, look: int) -> int:
    """Persons an arm at which this look is due."""
    return -(-experiment.per_arm * look // experiment.looks)


def least(sizes: Iterable[int]) -> int:
    """The smallest of the arms that go on; 0 without any."""
    return min(sizes, default=0)


def look_due(experiment: Experiment, lines: Sequence[Line], taken: int) -> int | None:
    """The number of the look that is due: the last whose size every arm that goes on has; None when none is due after `taken`."""
    smallest = least([line.size for line in lines if line.arm.stopped_at is None])
    due = [look for look in range(taken + 1, experiment.looks + 1) if smallest >= size_at(experiment, look)]
    return due[-1] if due else None


def looks_at_complaints(experiment: Experiment) -> bool:
    """Whether complaints are looked at apart, before the figures are ripe."""
    return experiment.stops_for_harm and bool(matures_days(experiment))


def complaints_due(experiment: Experiment, lines: Sequence[Line]) -> int | None:
    """Where the figures must ripen: the number of the last look whose size every arm that goes on has, counting who still ripens; None when
    complaints were looked at at that size."""
    if not looks_at_complaints(experiment):
        return None
    smallest = least(line.size + line.unripe for line in lines if line.arm.stopped_at is None)
    sizes = range(experiment.complaints_looked_at + 1, experiment.looks + 1)
    return max((look for look in sizes if smallest >= size_at(experiment, look)), default=None)


def verdicts_at(experiment: Experiment, lines: Sequence[Line], look: int, before: Mapping[int, str]) -> dict[int, str]:
    """{arm: what the look says}, of the arms beside the first. An arm that was found better stays so; a stopped one stays stopped."""
    first, *others = lines
    found = {}
    for line in others:
        said = before.get(line.arm.pk, line.arm.stopped_for)
        stays = said in HARMFUL or line.arm.stopped_at is not None
        fresh = said if stays else judge(line, first, experiment, look=look, comparisons=len(others))
        found[line.arm.pk] = BETTER if said == BETTER and fresh not in HARMFUL else fresh or EARLY
    return found
