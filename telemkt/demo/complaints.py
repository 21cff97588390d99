"""Complaints of the demo: one overdue, one that an agent calls serious, some worked off, and three of one cause that become a risk."""

from __future__ import annotations

from datetime import datetime, timedelta

from campaigns.models import Call
from people.models import User
from qa.models import Complaint, ComplaintCategory, Recording
from qa.services import complaints
from scripts.models import Article
from telemkt.demo.accounts import People, Role

OLD = timedelta(hours=3)
# category, severity, what is said, days since it came, cause, how far it is
TAKEN = [
    ("price", "normal", "账单上的月费比电话里说的多了十块。", 6, "offer", "closed"),
    ("price", "normal", "说好首月免费，结果还是扣了钱。", 5, "offer", "answered"),
    ("price", "minor", "没有说清楚合约期内不能降档。", 4, "offer", "in_work"),
    ("manner", "normal", "话务员语气生硬，我说考虑一下还一直催。", 3, "agent", "in_work"),
    ("information", "normal", "说的网速和实际装好的不一样。", 2, "article", "answered"),
    ("contact", "minor", "中午休息时间打电话。", 1, "", "received"),
]  # fmt: skip
SERIOUS = "我没有同意就给我办了套餐，要去投诉到通信管理局。"
ANSWER = "已向客户道歉，并核对账单，多收部分下月退还。"


def make_complaints(people: People, at: datetime) -> None:
    """Taken by the demo's QA; the last one by the agent of the call, so that it waits to be confirmed."""
    qa, agent = people.by_role[str(Role.QA)], people.by_role[str(Role.AGENT)]
    for call, facts in zip(_calls(at, agent), TAKEN, strict=False):
        _make(call, qa, at, *facts)
    own = (
        Recording.objects.filter(agent_id=agent.pk, call_started_at__lte=at - OLD).order_by("-call_started_at").first()
    )
    if own:
        call = Call.objects.get(pk=own.call_id, started_at=own.call_started_at)
        category = ComplaintCategory.objects.get(code="consent")
        complaints.take_complaint(
            category=category, severity="serious", words=SERIOUS, by=agent, at=at - OLD, call=call
        )


def _calls(at: datetime, agent: User) -> list[Call]:
    """Answered calls of one campaign of a week ago: before the first of the complaints came."""
    week = at - timedelta(days=7)
    rows = Call.objects.filter(started_at__gte=week - timedelta(days=3), started_at__lt=week, connected=True)
    rows = rows.exclude(agent_id=agent.pk).order_by("-started_at", "-pk")
    newest = rows.first()
    return list(rows.filter(campaign_id=newest.campaign_id)[: len(TAKEN)]) if newest else []


def _make(call: Call, qa: User, now: datetime, category: str, severity: str, words: str, days: int, cause: str, state: str) -> None:  # fmt: skip
    at = now - timedelta(days=days)
    row = complaints.take_complaint(
        category=ComplaintCategory.objects.get(code=category), severity=severity, words=words, by=qa, at=at, call=call,
        in_charge=None if state == Complaint.State.RECEIVED else qa,
    )  # fmt: skip
    if cause:
        article = Article.objects.filter(retired_at=None).order_by("pk").first() if cause == "article" else None
        complaints.trace_complaint(
            complaint=row, cause=cause if article or cause != "article" else "script", article=article,
            words="听过录音，属实。", by=qa, at=at + timedelta(hours=2),
        )  # fmt: skip
    if state in (Complaint.State.ANSWERED, Complaint.State.CLOSED):
        complaints.answer_complaint(complaint=row, answer=ANSWER, by=qa, at=at + timedelta(hours=20))
    if state == Complaint.State.CLOSED:
        complaints.close_complaint(complaint=row, by=qa, at=at + timedelta(hours=40))
