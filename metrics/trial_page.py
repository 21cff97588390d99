"""The page of an experiment in words: where it stands, what each look said, and how much is still to come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from campaigns.models import Campaign, Experiment, ExperimentArm
from campaigns.rules import can_plan
from core.templatetags.look import fixed, signed, thousands
from metrics import registry, trials
from metrics.models import ExperimentLook
from metrics.trials import BETTER, COMPLAINTS, EARLY, NO_GAIN, UNCLEAR, WORSE, Line
from people.models import User

MARKS = {BETTER: "is-good", WORSE: "is-bad", COMPLAINTS: "is-bad"} | dict.fromkeys(
    (NO_GAIN, UNCLEAR, EARLY), "is-plain"
)


@dataclass(frozen=True)
class Look:
    """A look done or to come. `size`: persons an arm at which it is due; `said`: one sentence for every arm beside the first."""

    number: int
    size: int
    taken_at: datetime | None
    said: list[str]
    is_passed_over: bool = False


@dataclass(frozen=True)
class Row:
    """An arm on the page: its figures now, and what the last look said of it."""

    line: Line
    words: str
    said: str
    mark: str

    @property
    def is_stopped(self) -> bool:
        return self.line.arm.stopped_at is not None

    @property
    def interval(self) -> str:
        """ "−0.8 – +6.3", in points; "" without a difference."""
        gain = self.line.gain
        return f"{signed(100 * gain.low, 1)} – {signed(100 * gain.high, 1)}" if gain else ""


@dataclass(frozen=True)
class Board:
    experiment: Experiment
    indicator: registry.Indicator
    counted_as: str
    rows: list[Row]
    looks: list[Look]
    verdicts: Mapping[int, str]
    smallest: int
    matures_days: int = 0

    @property
    def first(self) -> ExperimentArm:
        return self.rows[0].line.arm

    @property
    def is_empty(self) -> bool:
        """Whether there is no figure to draw yet."""
        return all(row.line.rate.value is None for row in self.rows)

    @property
    def next_look(self) -> Look | None:
        if self.experiment.state != Experiment.State.RUNNING:
            return None
        return next((look for look in self.looks if look.taken_at is None and not look.is_passed_over), None)

    @property
    def headline(self) -> str:
        """What the looks have said so far, in one sentence for each arm; too early while none was taken."""
        others = [row for row in self.rows[1:] if row.said]
        told = [row.said for row in others if self.verdicts.get(row.line.arm.pk) != EARLY]
        if told:
            return " ".join(told)
        if self.is_look_due:
            return _("The next look is taken within five minutes.")
        return self.more_words or _("No look found anything out.")

    @property
    def is_look_due(self) -> bool:
        return self.next_look is not None and self.smallest >= self.next_look.size

    @property
    def more_words(self) -> str:
        more = self.experiment.per_arm - self.smallest
        if self.experiment.state != Experiment.State.RUNNING or more <= 0:
            return ""
        return _("Too early: about %(more)s more per arm.") % {"more": thousands(more)}

    @property
    def ripe_words(self) -> str:
        """Why fewer count than were sold to, for an indicator that needs time to ripen."""
        if not self.matures_days:
            return ""
        waiting = min(row.line.unripe for row in self.rows)
        rule = _(
            "Only calls at least %(days)s days old count for this figure and for the looks: before that cancellations are still to come."
        ) % {"days": self.matures_days}
        if self.experiment.stops_for_harm:
            rule += " " + _("Complaints count at once: an arm that brings more of them is stopped before.")
        later = _("In every arm at least %(count)s more wait for that.") % {"count": thousands(waiting)}
        return f"{rule} {later}" if waiting else rule

    @property
    def verdict(self) -> str:
        """For the colour of the headline: bad when an arm did harm, good when one is better."""
        found = set(self.verdicts.values())
        return "bad" if found & set(trials.HARMFUL) else BETTER if BETTER in found else ""

    @property
    def best(self) -> ExperimentArm | None:
        """The arm that a look found better than the first; of several the one with the best rate now."""
        found = [
            row.line for row in self.rows[1:] if self.verdicts.get(row.line.arm.pk) == BETTER and not row.is_stopped
        ]
        sign = -1 if self.experiment.fewer_is_better else 1
        return max(found, key=lambda line: sign * (line.rate.value or 0)).arm if found else None


def board_of(experiment: Experiment, at: datetime) -> Board:
    """Everything that the page shows: five queries, however many persons."""
    arms = list(experiment.arms.select_related("script_version__script", "offer", "scenario").order_by("number"))
    lines = trials.lines_of(experiment, arms, trials.count_arms(experiment, arms, at))
    taken = list(experiment.looks_taken.order_by("number"))
    verdicts = _verdicts(arms, taken[-1] if taken else None)
    indicator = registry.indicator(experiment.indicator)
    assert indicator is not None
    return Board(
        experiment,
        indicator,
        str(registry.measures()[indicator.denominator[0]].label),
        [_row(line, lines[0], verdicts.get(line.arm.pk, "")) for line in lines],
        _looks(experiment, arms, taken),
        verdicts,
        trials.least(line.size for line in lines if line.arm.stopped_at is None),
        trials.matures_days(experiment),
    )


def _verdicts(arms: Iterable[ExperimentArm], last: ExperimentLook | None) -> dict[int, str]:
    """{arm: what stands}: what the last look said, and of arms that were stopped since or before the first one why."""
    stopped = {arm.pk: str(arm.stopped_for) for arm in arms if arm.stopped_for}
    return (last.of_arms() if last else {}) | stopped


def _row(line: Line, first: Line, said: str) -> Row:
    words = difference_words(line, first.arm) if line is not first else ""
    return Row(line, words, verdict_words(said, line.arm, first.arm), MARKS.get(said, ""))


def _looks(experiment: Experiment, arms: Sequence[ExperimentArm], taken: Sequence[ExperimentLook]) -> list[Look]:
    by_number = {look.number: look for look in taken}
    last = max(by_number, default=0)
    found = []
    for number in range(1, experiment.looks + 1):
        look = by_number.get(number)
        said = look.of_arms() if look else {}
        words = [verdict_words(said[arm.pk], arm, arms[0]) for arm in arms[1:] if arm.pk in said]
        found.append(
            Look(
                number,
                trials.size_at(experiment, number),
                look and look.taken_at,
                words,
                look is None and number < last,
            )
        )
    return found


def verdict_words(said: str, arm: ExperimentArm, first: ExperimentArm) -> str:
    told = {"arm": arm.letter, "first": first.letter}
    if not said:
        return ""
    return {
        EARLY: _("%(arm)s and %(first)s: too early to say."),
        BETTER: _("%(arm)s is better than %(first)s."),
        NO_GAIN: _("%(arm)s brings no gain over %(first)s that would be worth the change."),
        UNCLEAR: _(
            "%(arm)s and %(first)s could not be told apart: a gain worth the change is neither shown nor ruled out."
        ),
        WORSE: _("%(arm)s is worse than %(first)s: it was stopped."),
        COMPLAINTS: _("%(arm)s brings more complaints than %(first)s: it was stopped."),
    }[said] % told


def difference_words(line: Line, first: ExperimentArm) -> str:
    """ "B lies 2.7 points above A; the data fit anything from −0.8 to +6.3." """
    if line.gain is None:
        return _("Nothing to compare yet.")
    value, low, high = line.gain.value, line.gain.low, line.gain.high
    told: dict[str, Any] = {
        "arm": line.arm.letter,
        "first": first.letter,
        "points": fixed(100 * abs(value), 1),
        "low": signed(100 * low, 1),
        "high": signed(100 * high, 1),
    }
    if told["points"] == fixed(0, 1):
        return _("%(arm)s is level with %(first)s; the data fit anything from %(low)s to %(high)s.") % told
    if value > 0:
        return (
            _("%(arm)s lies %(points)s points above %(first)s; the data fit anything from %(low)s to %(high)s.") % told
        )
    return _("%(arm)s lies %(points)s points below %(first)s; the data fit anything from %(low)s to %(high)s.") % told


# ---------------------------------------------------------------- for the floor


@dataclass(frozen=True)
class ExperimentNews:
    """An experiment that waits for a decision, and why."""

    pk: int
    name: str
    campaign: str
    said: str
    is_harm: bool


def news_of(campaigns: Iterable[Campaign], user: User) -> list[ExperimentNews]:
    """Undecided experiments of these campaigns of which the last look said more than "too early". For those who may decide; one query
    when there is none."""
    if not can_plan(user):
        return []
    undecided = [Experiment.State.RUNNING, Experiment.State.STOPPED]
    seen = Experiment.objects.visible_to(user).filter(
        campaign__in=[found.pk for found in campaigns], state__in=undecided
    )
    rows = seen.select_related("campaign").prefetch_related("arms", "looks_taken").order_by("pk")
    return [news for row in rows if (news := _news(row)) is not None]


def _news(experiment: Experiment) -> ExperimentNews | None:
    arms = sorted(experiment.arms.all(), key=lambda arm: arm.number)
    verdicts = _verdicts(arms, max(experiment.looks_taken.all(), key=lambda look: look.number, default=None))
    told = [verdict_words(said, arm, arms[0]) for arm in arms if (said := verdicts.get(arm.pk, EARLY)) != EARLY]
    if not told:
        return None
    is_harm = bool(set(verdicts.values()) & set(trials.HARMFUL))
    return ExperimentNews(experiment.pk, experiment.name, str(experiment.campaign), " ".join(told), is_harm)
