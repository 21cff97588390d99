"""Coaching in the demo: the agent of the printed account after a signed session and before the next, another one still to be written."""

from __future__ import annotations

from datetime import datetime, timedelta

from people.models import User
from qa.models import Clip, Evaluation
from staffing.services import coaching
from telemkt.demo.accounts import People, Role

AGO, AHEAD = timedelta(days=12), timedelta(days=2)
VIEW = "开场和核对需求都做了，但客户一说贵，我就急着降档，没有先问原因。"
GOOD = "开场两句话就说清楚了来意，客户愿意听下去。"
IMPROVE = "客户说“太贵”以后，没有问清是月费贵还是办理麻烦，就直接换了套餐。"
EXPECTED = "遇到价格异议，先问一个问题，再回应。"
STEPS = ("每天听一通最佳录音里的异议处理", "把自己常用的三句追问写下来，带到下次辅导")
OTHER_VIEW = "解释合约期时说得太快，客户没听明白。"


def make_coaching(people: People, at: datetime) -> None:
    agent, leader = people.by_role[str(Role.AGENT)], people.by_role[str(Role.TEAM_LEADER)]
    _signed(agent, leader, at - AGO)
    sheets = Evaluation.objects.submitted().filter(agent_id=agent.pk).order_by("-call_started_at")[:1]
    clips = Clip.objects.visible_to(leader).kept().order_by("pk")[:1]
    coaching.plan_session(agent=agent, coach=leader, planned_at=at + AHEAD, at=at, evaluations=sheets, clips=clips)
    team = agent.team_at(at)
    for other in people.agents[team.pk][1:2] if team else []:
        waiting = coaching.plan_session(agent=other, coach=leader, planned_at=at + timedelta(hours=3), at=at)
        coaching.write_own_view(session=waiting, by=other, text=OTHER_VIEW, at=at)


def _signed(agent: User, leader: User, when: datetime) -> None:
    """The first step was done."""
    made = coaching.plan_session(agent=agent, coach=leader, planned_at=when, at=when)
    coaching.write_own_view(session=made, by=agent, text=VIEW, at=when)
    due = (when + AGO + AHEAD).date()
    coaching.write_words(
        session=made, by=leader, good=GOOD, improve=IMPROVE, expected=EXPECTED, steps=[(step, due) for step in STEPS], next_on=due, at=when
    )  # fmt: skip
    for user in (agent, leader):
        coaching.sign(session=made, by=user, at=when)
    coaching.look_at_step(step=made.steps.order_by("pk")[0], by=leader, is_done=True, at=when + AGO)
