"""A campaign is stopped while an agent works on it: the desk says so within seconds, in the call and before it."""

import pytest
from playwright.sync_api import expect

from telemkt.tests.journeys.test_agent import Desk
from telemkt.tests.journeys.visitor import Visitor

pytestmark = pytest.mark.browser


def switch(manager: Visitor, words: str) -> None:
    """On the page of the campaign, with a reason."""
    manager.page.locator("[data-dialog='#switch']").click()
    sheet = manager.page.locator("#switch")
    sheet.locator("textarea").fill("a journey")
    with manager.page.expect_navigation():
        manager.button(words, sheet).click()


def test_agent_and_a_stopped_campaign(visit):
    agent, manager = visit("agent"), visit("campaign_manager")
    desk, page = Desk(agent), agent.page
    desk.begin()
    desk.until_answered()
    manager.go("campaigns:campaigns")
    with manager.page.expect_navigation():
        manager.page.get_by_role("link", name=page.locator("#desk-head .strong").inner_text()).first.click()

    # the call goes on, and the agent hears how to end it; what was typed stays
    page.locator("body").press(desk.key("considering").get_attribute("data-key").lower())
    page.locator("#note").fill("in the middle of a word")
    switch(manager, "Stop calling")
    try:
        said = "This campaign has just been stopped. Bring the call to a polite end and record its result."
        expect(page.locator("#desk-withdrawn")).to_contain_text(agent.t(said))
        expect(page.locator("#note")).to_have_value("in the middle of a word")
        agent.step("told-in-the-call")
        page.reload()
        expect(page.locator("#desk-withdrawn")).to_contain_text(agent.t(said))
        expect(page.locator("#note")).to_have_value("in the middle of a word")
        expect(desk.key("considering")).to_have_attribute("aria-pressed", "true")
    finally:
        switch(manager, "Let it call again")
    expect(page.locator("#desk-withdrawn")).to_be_empty()
    desk.save()

    # a customer who was not dialled yet leaves the desk
    if page.locator("#desk-head .strong").inner_text() != manager.heading():
        return  # another campaign of the team has its turn
    switch(manager, "Stop calling")
    try:
        gone = "This campaign has just been stopped. The lead went back to the queue."
        expect(page.locator("#desk-notices")).to_contain_text(agent.t(gone))
        agent.step("taken-from-the-desk")
    finally:
        switch(manager, "Let it call again")
