"""Messages of surveys on their way to the sender: booked first, handed over once, and never again when nobody knows whether they left."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from campaigns.models import Campaign
from campaigns.tests.factories import AT, CustomerFactory, agent_of
from campaigns.tests.test_claim import calling, pack
from core.clock import database_now
from core.jobs import enqueue, run_inline
from customers.models import Contact, ContactRule, Customer, Phone, RulePack, Suppression
from customers.services import quiet_times
from people.models import Membership, Team, User
from people.tests.factories import TeamFactory, UserFactory
from qa import texting
from qa.models import ComplaintCategory, SurveyAsk, SurveyMessage
from qa.services import complaints, survey_messages, surveys
from qa.tests.factories import call_of
from qa.tests.test_surveys import TEXTS

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Sender:
    """Takes what it is handed, unless told to raise; keeps what came."""

    def __init__(self, fault=None):
        self.fault, self.came = fault, []

    def send(self, *, phone, text):
        self.came.append(text)
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def qa():
    return UserFactory(role=Membership.Role.QA)


@pytest.fixture
def call():
    team = TeamFactory()
    agent = agent_of(team)
    campaign = calling(team, pack(hours=("09:00", "20:00"), cap=(1, 24)))
    return call_of(team, agent=agent, campaign=campaign, at=AT - HOUR, customer=CustomerFactory(city=team.city))


@pytest.fixture
def chosen(call, qa):
    questions = surveys.make_questionnaire(code="after-call", by=qa, at=AT - DAY, **TEXTS)
    rule = surveys.make_rule(questionnaire=questions, by=qa, at=AT - DAY, share=100, rest_days=30)
    return surveys.choose_call(rule=rule, call=call, at=AT)


@pytest.fixture
def booked(chosen):
    """Waits for the sender."""
    surveys.send(ask=chosen, at=AT)
    return SurveyMessage.objects.get()


def deliver(message, sender, at=AT + MINUTE):
    return survey_messages.deliver(pk=message.pk, sender=sender, clock=lambda: at)


def attempts():
    return Customer.objects.get().attempts


def test_booking_takes_the_contact_and_hands_nothing_over(booked):
    ask = SurveyAsk.objects.get()

    assert (ask.state, ask.sent_at, ask.token_digest) == ("booked", None, None)
    assert (booked.state, booked.contact_id, booked.booked_at) == ("booked", Contact.objects.get().pk, AT)
    assert attempts() == [AT]


def test_a_message_that_is_taken_is_handed_over_once(booked):
    sender = Sender()

    assert deliver(booked, sender) == "taken"
    assert deliver(booked, sender) == "called_off"

    booked.refresh_from_db()
    ask = SurveyAsk.objects.get()
    assert len(sender.came) == 1
    assert (booked.state, booked.handed_at) == ("taken", AT + MINUTE)
    assert (ask.state, ask.sent_at, ask.expires_at) == ("sent", AT + MINUTE, AT + MINUTE + 7 * DAY)
    token = sender.came[0].split()[-1].rstrip("/").rsplit("/", 1)[1]
    assert surveys.answer(token=token, score=4, words="", at=AT + HOUR).ask == ask


def test_one_that_is_surely_not_taken_costs_nothing_and_is_booked_anew_within_the_rules(booked):
    refused = Sender(texting.NotSent())
    assert deliver(booked, refused) == "not_taken"
    ask = SurveyAsk.objects.get()
    assert (ask.state, ask.sent_at, ask.token_digest, ask.try_at) == ("chosen", None, None, AT + MINUTE + HOUR)
    assert attempts() == []
    assert Contact.objects.get().state == "void"
    dead = refused.came[0].split()[-1].rstrip("/").rsplit("/", 1)[1]
    with pytest.raises(surveys.NoSuchSurvey):
        surveys.open_ask(dead, at=AT + MINUTE)

    surveys.send(ask=ask, at=AT + 2 * HOUR)
    assert deliver(SurveyMessage.objects.booked().get(), Sender(), AT + 2 * HOUR) == "taken"
    assert attempts() == [AT + 2 * HOUR]


def test_after_five_messages_that_were_not_taken_nobody_is_asked(chosen):
    for hour in range(5):
        at = AT + 2 * HOUR * hour
        assert surveys.send(ask=chosen, at=at).state == "booked"
        deliver(SurveyMessage.objects.booked().get(), Sender(texting.NotSent()), at)

    ask = SurveyAsk.objects.get()
    assert (ask.state, ask.reason, ask.messages.count()) == ("refused", "sender", 5)
    assert attempts() == []


def test_an_answer_of_the_sender_that_is_lost_leaves_it_unknown_and_it_is_not_sent_again(booked, qa):
    """The customer may have the message: the contact stays booked and the link can be answered."""
    lost = Sender(ConnectionResetError())
    with pytest.raises(ConnectionResetError):
        deliver(booked, lost)

    booked.refresh_from_db()
    ask = SurveyAsk.objects.get()
    assert (booked.state, ask.state, attempts()) == ("unknown", "sent", [AT])
    again = Sender()
    surveys.send(ask=ask, at=AT + 2 * HOUR)
    assert deliver(booked, again, AT + 2 * HOUR) == "called_off"
    assert again.came == []
    token = lost.came[0].split()[-1].rstrip("/").rsplit("/", 1)[1]
    assert surveys.answer(token=token, score=2, words="", at=AT + 3 * HOUR).score == 2


def test_who_dies_before_the_answer_leaves_it_unknown_after_ten_minutes_and_comes_too_late(booked):
    assert survey_messages.take(pk=booked.pk, at=AT) is not None

    assert survey_messages.lose(at=AT + 9 * MINUTE) == 0
    assert survey_messages.lose(at=AT + 10 * MINUTE) == 1
    late = survey_messages.settle(pk=booked.pk, state="not_taken", at=AT + 11 * MINUTE)

    assert late == "unknown"
    assert (SurveyAsk.objects.get().state, attempts()) == ("sent", [AT])


def test_one_that_waited_too_long_is_booked_anew(booked):
    """The hours of contact were asked when it was booked: half a day later they say something else."""
    sender = Sender()

    assert deliver(booked, sender, AT + 11 * MINUTE) == "called_off"

    ask = SurveyAsk.objects.get()
    assert (ask.state, ask.try_at, attempts(), sender.came) == ("chosen", AT + 11 * MINUTE + HOUR, [], [])
    assert surveys.send(ask=ask, at=AT + 2 * HOUR).state == "booked"


def test_after_five_messages_that_waited_in_vain_for_their_sender_nobody_is_asked(chosen):
    for hour in range(5):
        at = AT + 2 * HOUR * hour
        assert surveys.send(ask=chosen, at=at).state == "booked"
        assert survey_messages.take(pk=SurveyMessage.objects.booked().get().pk, at=at + 11 * MINUTE) is None

    ask = SurveyAsk.objects.get()
    assert (ask.state, ask.reason, ask.messages.count(), attempts()) == ("refused", "sender", 5, [])


def test_what_has_happened_since_the_booking_stops_it_and_gives_the_contact_back(booked, call):
    category = ComplaintCategory.objects.get(code="manner")
    complaints.take_complaint(
        call=call, by=User.objects.get(pk=call.agent_id), category=category, severity="normal", words="Rude.", at=AT
    )
    sender = Sender()

    assert deliver(booked, sender) == "called_off"

    ask = SurveyAsk.objects.get()
    assert (ask.state, ask.reason, attempts(), sender.came) == ("refused", "complaint", [], [])


def kept_from_the_campaign(call):
    kind = Suppression.Kind.REFUSAL
    Suppression.objects.create(
        customer_id=call.customer_id, kind=kind, campaign_id=call.campaign_id, valid_from=AT + MINUTE
    )


def not_to_be_disturbed(call):
    quiet_times.add_quiet_time(
        customer=Customer.objects.get(), by=UserFactory(role=Membership.Role.DATA, city=Customer.objects.get().city), at=AT,
        days=[4], begins="11:00", ends="14:00", stated_on=date(2026, 11, 19), way="phone", stated_by="herself",
    )  # fmt: skip


def without_consent(call):
    ContactRule.objects.create(
        pack=RulePack.objects.get(campaigns=call.campaign_id),
        key="consent",
        value={"needed": True},
        valid_from=date(2020, 1, 1),
    )


@pytest.mark.parametrize(
    ("happens", "sentence"),
    [
        (kept_from_the_campaign, "Not to be called"),
        (not_to_be_disturbed, "not to be disturbed"),
        (without_consent, "no consent in force"),
    ],
)
def test_a_rule_of_contact_entered_after_the_booking_keeps_the_message_back(booked, call, happens, sentence):
    happens(call)
    sender = Sender()

    assert deliver(booked, sender) == "called_off"

    ask = SurveyAsk.objects.get()
    assert (ask.state, ask.try_at, attempts(), sender.came) == ("chosen", AT + MINUTE + HOUR, [], [])
    assert sentence in ask.refusal


def test_a_message_booked_in_the_last_minute_does_not_leave_after_the_hours(chosen):
    late = AT + 8 * HOUR + 59 * MINUTE  # 19:59 of the customer's clock
    surveys.send(ask=chosen, at=late)
    sender = Sender()

    assert deliver(SurveyMessage.objects.get(), sender, late + MINUTE) == "called_off"

    assert (SurveyAsk.objects.get().state, attempts(), sender.came) == ("chosen", [], [])


def test_a_number_that_is_dead_by_now_gets_none(booked):
    Phone.objects.update(is_dead=True)
    sender = Sender()

    deliver(booked, sender)

    assert (SurveyAsk.objects.get().reason, sender.came) == ("no_number", [])


def test_an_asking_has_one_message_that_may_arrive(booked):
    with pytest.raises(IntegrityError, match="survey_message_once"), transaction.atomic():
        SurveyMessage.objects.create(ask=booked.ask, contact_id=1, booked_at=AT)


class Silent:
    """A sender whose line breaks: nobody knows what it took."""

    came: list[str] = []

    def send(self, *, phone, text):
        self.came.append(text)
        raise TimeoutError


def open_all_day():
    for row in ContactRule.objects.filter(key=ContactRule.Key.HOURS):
        row.value |= {"opens": "00:00", "closes": "24:00"}
        row.save()


def now_booked():
    """As if it had been booked this minute: the job goes by the clock of the server."""
    at = database_now()
    Contact.objects.update(at=at)
    Customer.objects.update(attempts=[at])
    SurveyMessage.objects.update(booked_at=at)
    open_all_day()


def test_the_job_hands_over_and_repeats_nothing(booked):
    texting.Simulator.sent.clear()
    now_booked()
    jobs = [enqueue(kind="qa.hand_over_messages", key=key, args={}) for key in ("1", "2")]
    for job in jobs:
        run_inline(job.pk)
        job.refresh_from_db()

    assert [job.result for job in jobs] == [{"taken": 1, "unknown": 0}, {"unknown": 0}]
    assert len(texting.Simulator.sent) == 1


def test_the_job_leaves_a_sender_alone_that_fails_without_a_word(booked, settings):
    Silent.came.clear()
    settings.SURVEY_SENDER = "qa.tests.test_survey_messages.Silent"
    now_booked()
    job = enqueue(kind="qa.hand_over_messages", key="1", args={})

    run_inline(job.pk)

    job.refresh_from_db()
    assert (job.state, SurveyMessage.objects.get().state, len(Silent.came)) == ("failed", "unknown", 1)


class LosesTheFirst(Silent):
    def send(self, *, phone, text):
        if not self.came:
            super().send(phone=phone, text=text)
        self.came.append(text)


@pytest.fixture
def booked_of_five(booked, call, settings):
    """Four more calls with their messages, and a sender by its name."""
    for _more in range(4):
        team, agent = Team.objects.get(pk=call.team_id), User.objects.get(pk=call.agent_id)
        campaign = Campaign.objects.get(pk=call.campaign_id)
        other = call_of(team, agent=agent, campaign=campaign, at=AT - HOUR, customer=CustomerFactory(city=team.city))
        surveys.send(ask=surveys.choose_call(rule=booked.ask.rule, call=other, at=AT), at=AT)
    now_booked()
    Silent.came.clear()
    return lambda name: setattr(settings, "SURVEY_SENDER", f"qa.tests.test_survey_messages.{name}")


def states():
    return list(SurveyMessage.objects.order_by("pk").values_list("state", flat=True))


def test_one_lost_answer_keeps_no_other_message_waiting_and_is_told(booked_of_five):
    booked_of_five("LosesTheFirst")
    job = enqueue(kind="qa.hand_over_messages", key="1", args={})

    run_inline(job.pk)

    job.refresh_from_db()
    assert states() == ["unknown", *4 * ["taken"]]
    assert (job.state, job.last_error.split(":")[0].split()[0]) == ("failed", "TimeoutError")


def test_a_sender_that_loses_three_in_a_row_gets_no_more_in_this_run(booked_of_five):
    booked_of_five("Silent")

    run_inline(enqueue(kind="qa.hand_over_messages", key="1", args={}).pk)

    assert states() == [*3 * ["unknown"], *2 * ["booked"]]
    assert len(Silent.came) == 3


def test_what_is_open_is_found_by_its_index_however_many_were_sent():
    reads = [SurveyMessage.objects.booked(), SurveyMessage.objects.handed_before(AT)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO qa_surveymessage (ask_id, contact_id, booked_at, state, handed_at, settled_at)
               SELECT n, n, now(), 'taken', now(), now() FROM generate_series(1, 20000) n"""
        )
        cursor.execute("ANALYZE qa_surveymessage")
        plans = [rows.explain() for rows in reads]
        transaction.set_rollback(True)

    assert all("survey_message_open" in plan for plan in plans), plans


def test_without_a_sender_the_contacts_are_given_back(booked, settings):
    settings.SURVEY_SENDER = "qa.nowhere.Sender"
    job = enqueue(kind="qa.hand_over_messages", key="1", args={})

    run_inline(job.pk)  # long after it was booked

    job.refresh_from_db()
    assert (job.state, SurveyMessage.objects.get().state, attempts()) == ("failed", "called_off", [])


def test_messages_whose_fate_is_unknown_are_shown(booked, qa, client):
    SurveyAsk.objects.update(call_started_at=database_now() - HOUR)
    client.force_login(qa)
    assert "Waits for the sender" in client.get(reverse("qa:surveys")).content.decode()
    with pytest.raises(TimeoutError):
        deliver(booked, Sender(TimeoutError()))

    page = client.get(reverse("qa:surveys")).content.decode()

    assert "the sender&#x27;s answer was lost" in page
    assert "It is not sent again" in page
