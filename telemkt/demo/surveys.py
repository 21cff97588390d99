"""Satisfaction in the demo: one rule for the region, and what came of it in the last weeks. The job goes on from there."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from campaigns.models import Call
from qa.models import SurveyAnswer, SurveyAsk
from qa.services import surveys
from telemkt.demo.accounts import People, Role

SEED = 20083
BACK, UNTIL = timedelta(days=45), surveys.LOOKS_BACK
SHARE, VALID = 5, timedelta(days=7)
REFUSED = (("contact", 0.12), ("asked", 0.16), ("suppressed", 0.18), ("complaint", 0.19))  # up to which lot
ANSWERS, SCORES = 0.34, (1, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5)
WORDS = {
    1: "打了好几次，太打扰了。",
    2: "说得太快，没听明白合约期。",
    3: "还可以，希望先发短信再打。",
    4: "讲得清楚，就是等了一会儿。",
    5: "话务员很有耐心，谢谢。",
}


def make_surveys(people: People, at: datetime) -> None:
    qa = people.by_role[str(Role.QA)]
    questions = surveys.make_questionnaire(
        code="after-call", by=qa, at=at - BACK, question_zh="您对这次通话满意吗？", question_en="How content are you with our call?",
        open_zh="还有什么想告诉我们的吗？", open_en="Is there anything else you want to tell us?",
    )  # fmt: skip
    rule = surveys.make_rule(questionnaire=questions, by=qa, at=at - BACK, share=SHARE, rest_days=90)
    rng = Random(SEED)
    calls = Call.objects.filter(connected=True, started_at__gte=at - BACK, started_at__lt=at - UNTIL).order_by("id")
    found: list[SurveyAsk] = []
    persons: set[int] = set()
    for call in calls.iterator():
        if rng.random() >= rule.probability or call.customer_id in persons:
            continue
        persons.add(call.customer_id)
        chosen = call.started_at + timedelta(minutes=15)
        lot = rng.random()
        reason = next((name for name, upto in REFUSED if lot < upto), "")
        ask = SurveyAsk(
            rule=rule, call_id=call.pk, call_started_at=call.started_at, customer_id=call.customer_id, city_id=call.city_id,
            team_id=call.team_id, agent_id=call.agent_id, campaign_id=call.campaign_id, channel=rule.channel, probability=rule.probability,
            chosen_at=chosen, try_at=chosen, reason=reason, state="refused" if reason else "sent",
        )  # fmt: skip
        if not reason:
            ask.sent_at, ask.expires_at = chosen, chosen + VALID
            ask.state = "answered" if rng.random() < ANSWERS else "expired" if ask.expires_at <= at else "sent"
        found.append(ask)
    SurveyAsk.objects.bulk_create(found, batch_size=1000)
    answers = []
    for ask in found:
        if ask.state == "answered":
            score = rng.choice(SCORES)
            words = WORDS[score] if rng.random() < 0.2 else ""
            answers.append(
                SurveyAnswer(ask=ask, score=score, words=words, at=min(at, ask.chosen_at + timedelta(hours=2)))
            )
    SurveyAnswer.objects.bulk_create(answers, batch_size=1000)
