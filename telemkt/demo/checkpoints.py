"""Checkpoints of the demo: a campaign that stands before its trial call, and one in trial whose recordings are being listened to."""

from __future__ import annotations

from datetime import datetime, timedelta

from campaigns.models import Campaign, Gate
from campaigns.services import planning
from customers.models import RulePack
from qa.models import QualityForm
from qa.services import reviews, risks
from telemkt.demo.accounts import People, Role

Stage = Campaign.Stage


def make_checkpoints(people: People, at: datetime) -> None:
    _before_trial(people, at)
    trial = Campaign.objects.filter(stage=Stage.TRIAL).order_by("pk").first()
    if trial is not None:
        _in_trial(people, trial, at)


def _before_trial(people: People, at: datetime) -> None:
    """The next campaign of the product that runs: its list is half answered, and one risk is not cleared."""
    planner, keeper = people.by_role[str(Role.CAMPAIGN_MANAGER)], people.by_role[str(Role.QA)]
    like = Campaign.objects.get(code="HOME-500")
    campaign = Campaign(
        code="HOME-NEXT", name="家庭宽带二期", product=like.product, offer=like.offer, script=like.script,
        script_version=like.script_version, starts_on=(at + timedelta(days=10)).date(),
    )  # fmt: skip
    planning.plan_campaign(campaign=campaign, packs=RulePack.objects.filter(code="DEMO"), by=planner, at=at)
    first = Gate.objects.get(campaign=campaign, stage=Stage.SCRIPT_REVIEW)
    planning.decide_gate(gate=first, passed=True, reason="", by=keeper, at=at)
    planning.enter_stage(campaign=campaign, stage=Stage.SCRIPT_REVIEW, by=planner, at=at)
    gate = Gate.objects.get(campaign=campaign, stage=Stage.TRIAL)
    review = reviews.open_review(gate=gate, by=keeper, at=at)
    reviews.answer(review=review, key="request", result="ok", remark="", by=keeper, at=at)
    reviews.answer(
        review=review, key="product_text", result="failed", remark="上门时间还写着旧的承诺。", by=keeper, at=at
    )
    told = risks.add(campaign=campaign, words="客户以为提速后不用换光猫", at=at, by=keeper)
    risks.hand(risk=told, owner=planner, by=keeper, at=at)
    done = risks.add(campaign=campaign, words="优惠到期后的价格没有说清楚", at=at, by=keeper)
    risks.clear(risk=done, why="第三步必须说明到期价格，已写进必说要点。", by=keeper, at=at)


def _in_trial(people: People, campaign: Campaign, at: datetime) -> None:
    """All recordings of the trial are queued for QA."""
    keeper = people.by_role[str(Role.QA)]
    gate = Gate.objects.get(campaign=campaign, stage=Stage.RUNNING)
    form = QualityForm.objects.get(code="full-run")
    review = reviews.open_review(gate=gate, by=keeper, at=at, form=form)
    reviews.answer(review=review, key="phrases", result="ok", remark="已在早会上分享。", by=keeper, at=at)
