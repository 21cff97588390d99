"""The time to read a customer and the limit of after-call work, as the desk counts them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns.models import Campaign, Lead, LiveCall
from campaigns.services import desk
from campaigns.services.desk_page import context_of
from campaigns.tests.calling import AT, Floor, drawn

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def reading(**campaign) -> tuple[Floor, Lead]:
    floor = Floor(**campaign)
    floor.lead()
    return floor, desk.next_lead(agent=floor.agent, at=AT)


def countdown(floor, at):
    return context_of(agent=floor.agent, at=at)["countdown"]


def test_without_a_limit_nothing_is_counted_while_a_customer_is_read():
    floor, _lead = reading()

    assert countdown(floor, AT) is None


def test_the_time_to_read_runs_from_the_handing_out_and_a_reload_does_not_renew_it():
    floor, lead = reading(preview_limit_seconds=40)

    assert (countdown(floor, lead.held_at).left, countdown(floor, lead.held_at + 15 * SECOND).left) == (40, 25)


def test_a_desk_drawn_after_the_end_leaves_three_seconds_to_look():
    floor, lead = reading(preview_limit_seconds=40)

    assert countdown(floor, lead.held_at + 300 * SECOND).left == 3


@pytest.mark.parametrize(("telephony", "dials"), [("simulator", True), ("handset", False)])
def test_the_desk_dials_by_itself_only_where_the_telephone_can(telephony, dials):
    floor, lead = reading(preview_limit_seconds=40, telephony=telephony)

    assert countdown(floor, lead.held_at).dials is dials


def test_after_the_call_what_is_left_of_the_limit_is_told_and_then_what_it_is_over():
    floor, lead = reading(after_call_limit_seconds=60)
    desk.dial(lead=lead, agent=floor.agent, at=AT)
    drawn(lead, "answered", at=AT, rings=5, talks=20)

    assert countdown(floor, AT + 10 * SECOND) is None
    assert countdown(floor, AT + 45 * SECOND).left == 40
    over = context_of(agent=floor.agent, at=AT + 100 * SECOND)
    assert over["countdown"].left == -15
    assert over["pill"]["age"] == 1  # by the campaign's limit
    assert over["groups"]  # the result can still be given


def test_the_page_carries_the_seconds_and_the_words(client):
    floor = Floor(preview_limit_seconds=60)
    floor.lead()
    client.force_login(floor.agent)
    Lead.objects.update(due_at="2026-01-01T00:00Z", ready_at="2026-01-01T00:00Z")

    page = client.post(reverse("campaigns:desk_start")).content.decode()

    left = int(re.search(r'data-countdown data-left="(\d+)" data-dials', page)[1])
    assert 50 < left <= 60
    assert not LiveCall.objects.exists()  # the browser dials, and may skip until then


@pytest.mark.parametrize("seconds", [4, 901])
def test_a_limit_nobody_could_read_in_is_refused(seconds):
    floor = Floor()
    floor.campaign.preview_limit_seconds = seconds

    with pytest.raises(Exception, match="preview_limit_seconds"):
        Campaign.full_clean(floor.campaign)
