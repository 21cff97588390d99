"""Satisfaction: drawn once, asked inside the rules of contact, answered once by a link that tells nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from campaigns.models import Callback, Lead
from campaigns.tests.factories import AT, CampaignFactory, CustomerFactory, LeadFactory, agent_of, person
from campaigns.tests.test_claim import calling, pack
from core.calendar import business_date
from core.clock import database_now
from core.errors import PermissionRefused
from core.jobs import enqueue, run_inline
from customers.models import Contact, Customer
from metrics import queries as figures, registry
from metrics.tests import factories as f
from people.models import Membership
from people.tests.factories import TeamFactory, UserFactory
from qa import person_data, queries_surveys, texting
from qa.models import ComplaintCategory, Questionnaire, SurveyAnswer, SurveyAsk, SurveyMessage, SurveyRule
from qa.services import complaints, survey_messages, surveys
from qa.tests.factories import call_of

pytestmark = pytest.mark.django_db
Role = Membership.Role
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TEXTS = {"question_zh": "您满意吗？", "question_en": "Were you content?", "open_zh": "还有什么？", "open_en": "Anything else?"}  # fmt: skip


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()
    texting.Simulator.sent.clear()


@pytest.fixture
def qa():
    return UserFactory(role=Role.QA)


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def agent(team):
    return agent_of(team)


@pytest.fixture
def campaign(team):
    return calling(team, pack(hours=("09:00", "20:00"), cap=(1, 24)))


@pytest.fixture
def questions(qa):
    return surveys.make_questionnaire(code="after-call", by=qa, at=AT - DAY, **TEXTS)


def rule_of(questions, qa, **fields):
    return surveys.make_rule(questionnaire=questions, by=qa, at=AT - DAY, **{"share": 100, "rest_days": 30, **fields})


@pytest.fixture
def rule(questions, qa):
    return rule_of(questions, qa)


@pytest.fixture
def call(team, agent, campaign):
    return call_of(team, agent=agent, campaign=campaign, at=AT - HOUR, customer=customer_of(team))


def customer_of(team):
    return CustomerFactory(city=team.city)


def choose(at=AT):
    found = []
    for rule in surveys.rules_in_order():
        found += [surveys.choose_call(rule=rule, call=call, at=at) for call in list(surveys.drawn_by(rule, at=at))]
    return found


def ask_one(at=AT):
    [ask] = choose(at)
    return send(ask, at)


def send(ask, at):
    """Book the message, and hand it over when it is booked."""
    surveys.send(ask=ask, at=at)
    for message in SurveyMessage.objects.booked():
        survey_messages.deliver(pk=message.pk, sender=texting.sender(), clock=lambda: at)
    return SurveyAsk.objects.select_related("rule").get(pk=ask.pk)


def link():
    return texting.Simulator.sent[-1][1].split()[-1]


def path():
    return "/" + link().split("/", 3)[3]


def test_a_call_is_asked_about_out_of_the_budget_of_contacts(rule, call):
    ask = ask_one()

    assert (ask.state, ask.probability, ask.expires_at) == ("sent", 1.0, AT + 7 * DAY)
    contact = Contact.objects.get()
    assert (contact.channel, contact.state, contact.pk) == ("message", "made", ask.contact_id)
    assert Customer.objects.get(pk=call.customer_id).attempts == [AT]
    token = path().split("/")[2]
    assert token.encode() not in bytes(ask.token_digest)
    assert len(bytes(ask.token_digest)) == 32


def test_the_same_run_again_chooses_and_sends_nothing_new(rule, call):
    ask = ask_one()

    assert choose() == []
    assert surveys.choose_call(rule=rule, call=call, at=AT) is None
    send(ask, AT + HOUR)
    assert SurveyAsk.objects.count() == Contact.objects.count() == len(texting.Simulator.sent) == 1


def test_the_job_chooses_asks_and_lets_expire_and_repeats_nothing(rule, team, agent, campaign):
    now = database_now()
    call_of(team, agent=agent, campaign=campaign, at=now - timedelta(minutes=5), customer=customer_of(team))
    first = enqueue(kind="qa.ask_customers", key="1", args={}, by=None)
    run_inline(first.pk)
    second = enqueue(kind="qa.ask_customers", key="2", args={}, by=None)
    run_inline(second.pk)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.result["chosen"]) == ("done", 1)
    assert second.result["chosen"] == 0
    assert SurveyAsk.objects.count() == 1


def test_the_share_is_kept_and_the_draw_is_the_same_again(questions, qa, team, agent, campaign):
    """Of 400 calls a rule of 25 % draws 100, give or take four times the spread of 8.7."""
    rule = rule_of(questions, qa, share=25)
    customer = customer_of(team)
    for _n in range(400):
        call_of(team, agent=agent, campaign=campaign, at=AT - HOUR, customer=customer)

    drawn = [call.pk for call in surveys.drawn_by(rule, at=AT)]

    assert 65 <= len(drawn) <= 135
    assert [call.pk for call in surveys.drawn_by(rule, at=AT)] == drawn
    assert rule.probability == 0.25


def test_the_narrower_rule_is_the_one_for_its_calls_hit_or_not(questions, qa, rule, call, campaign, team):
    other = call_of(team, at=AT - HOUR)
    narrow = rule_of(questions, qa, campaign=campaign, share=100)

    assert [row.pk for row in surveys.drawn_by(narrow, at=AT)] == [call.pk]
    assert [row.pk for row in surveys.drawn_by(rule, at=AT)] == [other.pk]


def test_old_calls_unanswered_calls_and_calls_before_the_rule_are_not_drawn(rule, team):
    call_of(team, at=AT - 25 * HOUR)
    call_of(team, at=AT - HOUR, connected=False)
    call_of(team, at=AT - DAY - HOUR)
    call_of(team, at=AT + HOUR)

    assert choose() == []


def test_who_has_an_open_complaint_is_not_asked(rule, call, agent, qa):
    category = ComplaintCategory.objects.get(code="manner")
    complaints.take_complaint(call=call, by=agent, category=category, severity="normal", words="Rude.", at=AT)

    [ask] = choose()

    assert (ask.state, ask.reason) == ("refused", "complaint")


def test_a_complaint_between_choosing_and_asking_stops_it_too(rule, call, agent):
    [ask] = choose()
    category = ComplaintCategory.objects.get(code="manner")
    complaints.take_complaint(call=call, by=agent, category=category, severity="normal", words="Rude.", at=AT)

    assert send(ask, AT).reason == "complaint"
    assert not texting.Simulator.sent


@pytest.mark.parametrize(("field", "reason"), [("is_suppressed", "suppressed"), ("is_locked", "locked")])
def test_who_must_not_be_called_or_is_locked_is_not_asked(rule, call, field, reason):
    Customer.objects.filter(pk=call.customer_id).update(**{field: True})

    assert [ask.reason for ask in choose()] == [reason]


def test_who_was_merged_twice_is_the_person_who_is_left(rule, call, team):
    last = customer_of(team)
    between = CustomerFactory(city=team.city, merged_into=last)
    Customer.objects.filter(pk=call.customer_id).update(merged_into=between)

    assert choose()[0].customer_id == last.pk


def test_nobody_is_asked_twice_within_the_days_of_the_rule(rule, call, team, agent, campaign):
    ask_one()
    again = {"agent": agent, "campaign": campaign, "customer": Customer.objects.get(pk=call.customer_id)}
    call_of(team, at=AT + 29 * DAY, **again)
    [second] = choose(AT + 29 * DAY)
    call_of(team, at=AT + 31 * DAY, **again)
    [third] = choose(AT + 31 * DAY)

    assert (second.state, second.reason, third.state) == ("refused", "asked", "chosen")


def test_the_budget_refuses_and_after_two_days_that_is_that(rule, call):
    Customer.objects.filter(pk=call.customer_id).update(attempts=[AT - HOUR])
    ask = ask_one()
    assert (ask.state, ask.try_at) == ("chosen", AT + HOUR)
    assert "1 attempt" in ask.refusal
    assert not Contact.objects.exists()
    assert SurveyAsk.objects.get().token_digest is None

    Customer.objects.filter(pk=call.customer_id).update(attempts=[AT + 47 * HOUR])
    ask = surveys.send(ask=ask, at=AT + 48 * HOUR)

    assert (ask.state, ask.reason) == ("refused", "contact")
    assert not texting.Simulator.sent


def test_a_budget_that_is_free_again_is_used(rule, call):
    Customer.objects.filter(pk=call.customer_id).update(attempts=[AT - 22 * HOUR])
    ask = ask_one()

    assert ask.state == "chosen"
    assert send(ask, AT + 3 * HOUR).state == "sent"


# -- the customer's page -----------------------------------------------------------------------------------------------


@pytest.fixture
def now_asked(questions, qa, team, agent, campaign):
    """A survey by the clock of the server, since the page asks it."""
    rule = rule_of(questions, qa)
    made = call_of(team, agent=agent, campaign=campaign, at=AT - HOUR, customer=customer_of(team))
    ask = surveys.choose_call(rule=rule, call=made, at=AT)
    ask = send(ask, AT)
    SurveyAsk.objects.update(expires_at=database_now() + DAY)
    return ask


def test_the_link_asks_without_a_name_and_keeps_one_answer(now_asked, client):
    customer = Customer.objects.get(pk=now_asked.customer_id)
    page = client.get(path())
    shown = page.content.decode()
    assert page.status_code == 200
    assert "Were you content?" in shown
    assert customer.name not in shown
    assert customer.phones.get().mask not in shown

    done = client.post(path(), {"score": "4", "words": " Friendly. "})
    twice = client.post(path(), {"score": "1", "words": "Changed."})

    assert "Thank you. Your answer is kept." in done.content.decode()
    assert twice.status_code == 410
    assert "answered already" in twice.content.decode()
    kept = SurveyAnswer.objects.get()
    assert (kept.score, kept.words, kept.by) == (4, "Friendly.", None)
    assert client.get(path()).status_code == 410


def test_the_page_is_in_chinese_too(now_asked, client):
    shown = client.get(path(), headers={"accept-language": "zh-CN"}).content.decode()

    assert "您满意吗？" in shown


def test_an_answer_needs_a_number_and_what_was_written_stays(now_asked, client):
    for score in ("", "0", "6", "²", "many"):
        page = client.post(path(), {"score": score, "words": "Still here"})
        assert page.status_code == 422
        assert "Still here" in page.content.decode()
    assert not SurveyAnswer.objects.exists()


def test_a_forged_link_and_an_expired_one_are_calm_sentences(now_asked, client, django_assert_num_queries):
    good = path()
    forged = good[:-2] + ("A" if good[-2] != "A" else "B") + "/"
    with django_assert_num_queries(1):  # the clock alone
        page = client.get(forged)
    assert page.status_code == 404
    assert "not valid" in page.content.decode()
    # signed well, but of no asking
    assert client.get(reverse("qa:survey-answer", args=[surveys.new_token()[0]])).status_code == 404

    SurveyAsk.objects.update(expires_at=AT)
    late = client.post(good, {"score": "5"})
    assert late.status_code == 410
    assert "time to answer is over" in late.content.decode()
    assert not SurveyAnswer.objects.exists()


def test_somebody_who_tries_many_links_waits(client):
    seen = [client.get("/survey/x/").status_code for _n in range(61)]

    assert seen == [404] * 60 + [429]


def test_who_does_not_answer_in_time_has_expired(rule, call):
    ask = ask_one()
    surveys.expire(at=AT + 6 * DAY)
    assert SurveyAsk.objects.get().state == "sent"

    assert surveys.expire(at=AT + 7 * DAY) == 1
    assert SurveyAsk.objects.get(pk=ask.pk).state == "expired"


def test_an_erased_person_leaves_the_number_alone_and_the_link_is_dead(now_asked, client):
    good = path()
    client.post(good, {"score": "2", "words": "My name is Wang."})
    customer = Customer.objects.get(pk=now_asked.customer_id)
    [sheet] = [sheet for sheet in person_data.facts(customer) if str(sheet.title) == "Answers to surveys"]
    assert sheet.rows[0][2:] == [2, "My name is Wang."]

    person_data.forget(customer, AT)

    kept = SurveyAnswer.objects.get()
    assert (kept.score, kept.words) == (2, "")
    assert client.get(good).status_code == 404


def test_words_of_a_locked_person_are_shown_to_nobody(now_asked, client, qa):
    client.post(path(), {"score": "2", "words": "Too fast."})
    assert queries_surveys.words_shown(qa, since=AT - DAY).exists()

    Customer.objects.filter(pk=now_asked.customer_id).update(is_locked=True)

    assert not queries_surveys.words_shown(qa, since=AT - DAY).exists()


def test_words_are_emptied_after_the_link_is_dead_so_that_an_answer_in_flight_is_seen(
    now_asked, django_assert_max_num_queries
):
    with django_assert_max_num_queries(100) as ran:
        person_data.forget(Customer.objects.get(pk=now_asked.customer_id), AT)

    tables = [query["sql"].split()[1] for query in ran if query["sql"].startswith("UPDATE")]
    assert tables.index('"qa_surveyanswer"') > max(n for n, name in enumerate(tables) if name == '"qa_surveyask"')


def test_words_go_after_two_years(now_asked, client):
    client.post(path(), {"score": "2", "words": "Too fast."})
    answered = SurveyAnswer.objects.get().at

    assert surveys.forget_words(at=answered + 729 * DAY) == 0
    assert surveys.forget_words(at=answered + 731 * DAY) == 1
    assert SurveyAnswer.objects.get().words == ""


# -- callbacks ---------------------------------------------------------------------------------------------------------


def test_a_callback_is_a_lead_and_the_agent_who_calls_writes_the_answer_down(questions, qa, call, team):
    via = CampaignFactory()
    rule_of(questions, qa, channel="callback", via=via)
    ask = ask_one()
    lead = Lead.objects.get(pk=ask.lead_id)
    assert (lead.campaign, lead.customer_id, lead.state) == (via, call.customer_id, "open")
    caller, stranger = agent_of(team), agent_of(team)
    call_of(team, agent=caller, campaign=via, lead_id=lead.pk, at=AT + HOUR, customer=lead.customer)

    with pytest.raises(PermissionRefused):
        surveys.record_answer(ask=ask, score=5, words="", by=stranger, at=AT + 2 * HOUR)
    with pytest.raises(surveys.NotAnAnswer):
        surveys.record_answer(ask=ask, score=None, words="", by=caller, at=AT + 2 * HOUR)
    assert list(queries_surveys.to_record(caller, at=AT + 2 * HOUR)) == [ask]
    made = surveys.record_answer(ask=ask, score=5, words="Good", by=caller, at=AT + 2 * HOUR)

    assert (made.score, made.by) == (5, caller)
    assert not queries_surveys.to_record(caller, at=AT + 2 * HOUR).exists()
    # nobody is asked about the asking
    assert choose(AT + 3 * HOUR) == []


def test_a_finished_lead_is_opened_again_and_one_that_is_not_to_be_called_is_not(questions, qa, call):
    via = CampaignFactory()
    rule_of(questions, qa, channel="callback", via=via)
    customer = Customer.objects.get(pk=call.customer_id)
    lead = LeadFactory(campaign=via, customer=customer, state="done", outcome="suppressed")
    ask = ask_one()
    assert ask.state == "chosen"

    Lead.objects.filter(pk=lead.pk).update(outcome="refused", attempts_made=3)
    surveys.send(ask=ask, at=AT + HOUR)

    lead.refresh_from_db()
    assert (lead.state, lead.outcome, lead.attempts_made) == ("open", "", 0)


@pytest.fixture
def called_back(questions, qa, call):
    """The lead of a survey by callback that nobody has answered when its time is over."""
    rule_of(questions, qa, channel="callback", via=CampaignFactory())
    ask = ask_one()
    surveys.expire(at=ask.expires_at)
    return Lead.objects.get(pk=ask.lead_id)


def close_leads():
    return [surveys.close_lead(pk=pk) for pk in surveys.leads_left()]


def test_the_lead_of_a_survey_ends_with_it(called_back):
    assert close_leads() == [True]
    assert close_leads() == []

    called_back.refresh_from_db()
    assert (called_back.state, called_back.outcome) == ("done", "closed")


def test_the_lead_of_a_survey_in_time_stays(questions, qa, call):
    rule_of(questions, qa, channel="callback", via=CampaignFactory())
    ask = ask_one()

    surveys.expire(at=ask.expires_at - HOUR)

    assert close_leads() == []


def test_a_lead_that_was_open_before_the_survey_goes_on_without_it(questions, qa, call):
    via = CampaignFactory()
    rule_of(questions, qa, channel="callback", via=via)
    lead = LeadFactory(campaign=via, customer=Customer.objects.get(pk=call.customer_id))
    ask = ask_one()
    surveys.expire(at=ask.expires_at)

    assert (ask.lead_id, close_leads()) == (lead.pk, [])
    assert Lead.objects.get(pk=lead.pk).state == "open"


def test_a_lead_that_another_survey_waits_for_ends_with_that_one(called_back):
    first = SurveyAsk.objects.get()
    later = SurveyAsk.objects.get()
    later.pk, later.call_id, later.state, later.closes_lead = None, first.call_id + 1, "sent", False
    later.expires_at = first.expires_at + DAY
    later.save()

    assert close_leads() == [True]
    assert Lead.objects.get().state == "open"

    surveys.expire(at=later.expires_at)
    assert close_leads() == [True]
    assert Lead.objects.get().state == "done"


def test_a_lead_at_a_desk_is_closed_when_it_comes_back(called_back, team):
    now = database_now()
    Lead.objects.update(state="held", agent=agent_of(team), held_at=now, lease_until=now + HOUR)
    assert close_leads() == [False]

    Lead.objects.update(state="open", agent=None, held_at=None, lease_until=None)
    assert close_leads() == [True]


def test_a_call_that_was_promised_to_the_customer_is_kept(called_back, team):
    Callback.objects.create(lead=called_back, agent=agent_of(team), due_at=AT + 8 * DAY)

    assert close_leads() == [False]
    assert Lead.objects.get().state == "open"


def test_an_agent_sees_the_question_of_the_customer_at_the_desk(questions, qa, call, team, client):
    via = CampaignFactory()
    rule_of(questions, qa, channel="callback", via=via)
    ask = ask_one()
    now = database_now()
    SurveyAsk.objects.update(expires_at=now + DAY)
    caller = agent_of(team)
    client.force_login(caller)
    assert "No answer to write down" in client.get(reverse("qa:surveys-mine")).content.decode()
    Lead.objects.filter(pk=ask.lead_id).update(state="held", agent=caller, held_at=now, lease_until=now + HOUR)

    assert "Were you content?" in client.get(reverse("qa:surveys-mine")).content.decode()
    assert client.post(reverse("qa:survey-record", args=[ask.pk]), {"score": "3", "words": ""}).status_code == 302
    assert SurveyAnswer.objects.get().score == 3
    assert client.post(reverse("qa:survey-record", args=[ask.pk]), {"score": "3"}).status_code == 404


# -- questionnaires and rules ------------------------------------------------------------------------------------------


def test_a_questionnaire_never_changes_and_the_next_one_is_a_version(questions, qa):
    again = surveys.make_questionnaire(code="after-call", by=qa, at=AT, **TEXTS)

    assert (questions.number, again.number) == (1, 2)
    with pytest.raises(IntegrityError), transaction.atomic():
        Questionnaire.objects.filter(pk=questions.pk).update(question_en="Other?")


def test_one_rule_for_a_place_is_on_and_it_can_only_end(questions, qa, rule):
    with pytest.raises(surveys.NotASurvey):
        rule_of(questions, qa)
    with pytest.raises(surveys.NotASurvey):
        rule_of(questions, qa, campaign=CampaignFactory(), channel="callback")
    with pytest.raises(IntegrityError), transaction.atomic():
        SurveyRule.objects.filter(pk=rule.pk).update(share=5)
    surveys.end_rule(rule=rule, by=qa, at=AT)
    surveys.end_rule(rule=rule, by=qa, at=AT + HOUR)

    assert SurveyRule.objects.get(pk=rule.pk).ended_at == AT
    assert rule_of(questions, qa).pk != rule.pk


def test_only_qa_of_the_place_makes_and_ends_rules(questions, qa, rule, team):
    of_city = person(Role.QA, city=team.city)
    rule_of(questions, of_city, city=team.city)
    for who in (UserFactory(role=Role.CAMPAIGN_MANAGER), of_city, person(Role.QA, city=TeamFactory().city)):
        with pytest.raises(PermissionRefused):
            surveys.end_rule(rule=rule, by=who, at=AT)
    with pytest.raises(PermissionRefused):
        surveys.make_questionnaire(code="x", by=UserFactory(role=Role.TRAINER), at=AT, **TEXTS)


def test_a_rule_of_the_region_about_a_campaign_of_one_city_is_not_shown_to_another(questions, qa, rule, team):
    of_city = CampaignFactory(city=team.city)
    named = [
        rule_of(questions, qa, campaign=of_city),
        rule_of(questions, qa, campaign=CampaignFactory(), channel="callback", via=of_city),
    ]

    here, there = person(Role.QA, city=team.city), person(Role.QA, city=TeamFactory().city)
    assert set(SurveyRule.objects.visible_to(here)) == {rule, *named}
    assert set(SurveyRule.objects.visible_to(there)) == {rule}


def test_rules_are_made_and_ended_on_their_page(qa, client, questions):
    client.force_login(qa)
    fields = {"questionnaire": questions.pk, "channel": "sms", "share": "5", "rest_days": "90", "valid_days": "7"}

    assert client.post(reverse("qa:survey-rule-new"), {**fields, "share": "101"}).status_code == 422
    assert client.post(reverse("qa:survey-rule-new"), {**fields, "channel": "callback"}).status_code == 422
    assert client.post(reverse("qa:survey-rule-new"), fields).status_code == 302
    made = SurveyRule.objects.get()
    assert client.post(reverse("qa:survey-rule-new"), fields).status_code == 422
    assert "after-call v1" in client.get(reverse("qa:survey-rules")).content.decode()
    client.post(reverse("qa:survey-rule-end", args=[made.pk]))
    assert SurveyRule.objects.get().ended_at is not None
    client.post(reverse("qa:questionnaire-new"), {"code": "after-call", **TEXTS})
    assert Questionnaire.objects.filter(code="after-call").count() == 2
    assert "Were you content?" in client.get(reverse("qa:questionnaire-new") + "?of=after-call").content.decode()


# -- results -----------------------------------------------------------------------------------------------------------


def asked_many(rule, team, campaign, agent, scores, silent=0, refused=0, probability=1.0, at=AT):
    """Asks straight into their table: one for each answer, so many without one, so many not asked."""
    base = SurveyAsk.objects.count()
    for n, score in enumerate([*scores, *[None] * silent, *["refused"] * refused], start=base + 1):
        is_refused = score == "refused"
        state = "refused" if is_refused else "answered" if score else "expired"
        ask = SurveyAsk.objects.create(
            rule=rule, call_id=n, call_started_at=at, customer_id=n, city_id=team.city_id, team_id=team.pk, agent_id=agent.pk,
            campaign_id=campaign.pk, channel="sms", probability=probability, state=state, chosen_at=at, try_at=at,
            reason="complaint" if is_refused else "", sent_at=None if is_refused else at, expires_at=None if is_refused else at + DAY,
        )  # fmt: skip
        if state == "answered":
            SurveyAnswer.objects.create(ask=ask, score=score, at=at)


def test_response_rate_and_mean_counted_by_hand(rule, team, campaign, agent, qa):
    """20 fives and 20 threes of 50 asked: 80 %, mean 4, s² = 40/39, half = 1.96 · sqrt(40/39/40) = 0.3138."""
    asked_many(rule, team, campaign, agent, [5] * 20 + [3] * 20, silent=10, refused=3)

    whole, [row] = queries_surveys.results(qa, by="team", since=AT - DAY)

    assert (row.chosen, row.asked, row.answered, row.rate) == (53, 50, 40, 0.8)
    assert row.mean == pytest.approx(4.0)
    assert (row.low, row.high) == (pytest.approx(4 - 0.31384, abs=1e-4), pytest.approx(4 + 0.31384, abs=1e-4))
    assert (row.rate_low, row.rate_high) == (pytest.approx(0.6696, abs=1e-3), pytest.approx(0.8876, abs=1e-3))
    assert whole.mean == row.mean
    assert queries_surveys.refused(qa, since=AT - DAY) == [("A complaint is open", 3)]


def test_an_answer_stands_for_as_many_calls_as_its_chance_says(rule, team, campaign, agent, qa):
    """30 fives with a chance of 1/2 stand for 60 calls, 30 twos with one of 1/4 for 120: (300 + 240) / 180 = 3."""
    asked_many(rule, team, campaign, agent, [5] * 30, probability=0.5)
    asked_many(rule, team, campaign, agent, [2] * 30, probability=0.25)

    _whole, [row] = queries_surveys.results(qa, by="campaign", since=AT - DAY)

    assert row.mean == pytest.approx(3.0)


def test_under_30_there_is_no_figure(rule, team, campaign, agent, qa):
    asked_many(rule, team, campaign, agent, [5] * 29)

    _whole, [row] = queries_surveys.results(qa, by="agent", since=AT - DAY)

    assert (row.answered, row.rate, row.mean) == (29, None, None)


def test_another_city_sees_nothing_of_it(rule, team, campaign, agent, client):
    asked_many(rule, team, campaign, agent, [5] * 30)
    here, there = person(Role.CITY_MANAGER, city=team.city), person(Role.CITY_MANAGER, city=TeamFactory().city)

    assert queries_surveys.results(there, by="month", since=AT - DAY) == (None, [])
    assert queries_surveys.results(here, by="month", since=AT - DAY)[1][0].answered == 30
    assert not SurveyAsk.objects.visible_to(agent).exists()
    client.force_login(there)
    assert "Nobody has been chosen yet" in client.get(reverse("qa:surveys")).content.decode()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_results_are_shown_by_each_grouping(rule, team, campaign, agent, qa, client, language):
    asked_many(rule, team, campaign, agent, [5] * 30 + [4], at=database_now() - HOUR)
    SurveyAnswer.objects.filter(score=4).update(words="Friendly & quick")
    client.force_login(qa)
    with override(language):
        for by in ("campaign", "team", "agent", "month", "nonsense"):
            page = client.get(reverse("qa:surveys"), {"by": by, "months": "1"})
            assert page.status_code == 200
            assert "4.97" in page.content.decode()
    assert "Friendly &amp; quick" in page.content.decode()


@pytest.mark.parametrize(("days", "status"), [(366, 200), (367, 400)])
def test_results_go_back_twelve_months_at_most(qa, client, days, status):
    client.force_login(qa)
    since = business_date(database_now()) - timedelta(days=days)

    answer = client.get("/api/v1/surveys/results/", {"since": since.isoformat()})

    assert answer.status_code == status
    if status == 400:
        assert "Choose a later day" in answer.content.decode()


def test_indicators_count_by_the_day_of_the_call(rule, campaign, qa):
    """24 of 32 asked: 75 %; 12 fives and 12 twos: 3.5."""
    place = TeamFactory()
    asked_many(rule, place, campaign, agent_of(place), [5] * 12 + [2] * 12, silent=8, refused=5, at=f.at(f.DAY))
    f.roll_up()

    total = figures.figures(since=f.DAY, until=f.DAY, by=()).total

    assert total.value(registry.indicator("satisfaction")) == pytest.approx(3.5)
    assert total.value(registry.indicator("response_rate")) == pytest.approx(75.0)
    assert registry.indicator("satisfaction").is_small({"qa_answered": 24})


def test_strangers_and_other_roles_are_turned_away(client, now_asked):
    assert Client().get(reverse("qa:surveys")).status_code == 302
    client.force_login(UserFactory(role=Role.DATA))
    for name in ("qa:surveys", "qa:survey-rules", "qa:survey-rule-new", "qa:questionnaire-new", "qa:surveys-mine"):
        assert client.get(reverse(name)).status_code == 403
