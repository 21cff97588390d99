"""Calls of the last months as quality drew and scored them, of some of one team: what their growth and the choice of whom to coach are counted from.

Their recordings are gone, as those of calls so old mostly are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random

from campaigns.models import Call
from core.calendar import business_date, month_start, range_bounds
from people.models import User
from qa import scoring
from qa.models import Evaluation, EvaluationAnswer, FormItem, FormVersion
from qa.services import evaluations
from telemkt.demo.accounts import People, Role

SEED = 907
EACH = 5  # calls of an agent and month: the fewest that say something
MEMBERS = 3  # of the team; of the others too few calls were scored
CHANCE = 0.05  # of a call to be drawn
# What is often missed at first, by place in the form: shares of calls then and later.
MISSED = {4: (0.6, 0.2), 6: (0.5, 0.3), 11: (0.4, 0.3), 13: (0.5, 0.15)}
SELDOM = 0.05
SAID = "录音里没有听到这一点。"


def make_growth(people: People, at: datetime) -> None:
    """Of the agent of the printed account and two of the team, in last month and this one, up to yesterday."""
    scorer, agent = people.by_role[str(Role.QA)], people.by_role[str(Role.AGENT)]
    version = FormVersion.objects.with_items().published().filter(form__code="coaching").first()
    team = agent.team_at(at)
    if version is None or team is None:
        return
    members, dice = people.agents[team.pk][:MEMBERS], Random(SEED)
    for is_later, (first, last) in enumerate(_months(at)):
        for member in members:
            for call in _calls(member, first, last):
                _score(call, version, scorer, dice, bool(is_later), at)


def _months(at: datetime) -> Iterator[tuple[date, date]]:
    yesterday = business_date(at) - timedelta(days=1)
    this = month_start(business_date(at))
    yield month_start(this - timedelta(days=1)), this - timedelta(days=1)
    yield this, yesterday


def _calls(member: User, first: date, last: date) -> list[Call]:
    if last < first:
        return []
    begin, end = range_bounds(first, last)
    scored = Evaluation.objects.filter(agent_id=member.pk).values("call_id")
    rows = Call.objects.filter(
        agent_id=member.pk, started_at__gte=begin, started_at__lt=end, connected=True, talk_seconds__gte=60
    )
    rows = rows.exclude(pk__in=scored).order_by("started_at", "pk")
    return list(rows[:: max(1, rows.count() // EACH)][:EACH])


def _score(call: Call, version: FormVersion, scorer: User, dice: Random, is_later: bool, at: datetime) -> None:
    """Within a day after the call."""
    then = min(call.started_at + timedelta(hours=20), at)
    made = evaluations.begin(
        call=call, version=version, scorer=scorer, pick=Evaluation.Pick.RANDOM, probability=CHANCE, at=then
    )
    items = [item for stage in version.stages.all() for item in stage.items.all()]
    EvaluationAnswer.objects.bulk_create(
        _answer(made, item, dice.random() < MISSED.get(place, (SELDOM, SELDOM))[is_later])
        for place, item in enumerate(items)
    )
    evaluations.submit(evaluation=made, by=scorer, at=then)


def _answer(made: Evaluation, item: FormItem, is_missed: bool) -> EvaluationAnswer:
    """A grave answer is never among them: it would fail the call."""
    if not is_missed or item.fails_on:
        return EvaluationAnswer(evaluation=made, item=item, answer=item.good)
    bad = scoring.NO if item.good == scoring.YES else scoring.YES
    return EvaluationAnswer(evaluation=made, item=item, answer=bad, remark=SAID)
