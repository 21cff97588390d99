"""The supervisor: the floor lives by itself, and holds still when asked to."""

import pytest
from playwright.sync_api import expect

from telemkt.tests.journeys.test_agent import Desk

pytestmark = pytest.mark.browser

PULSE = 15_000  # the floor asks every five seconds


def test_supervisor_watches_the_floor(visit):
    supervisor = visit("supervisor")
    page = supervisor.page
    expect(page.locator("#floor-strip")).to_be_visible()
    supervisor.step("floor")
    loaded = page.evaluate("performance.timeOrigin")

    agent = visit("agent")
    desk = Desk(agent)
    desk.begin()
    expect(page.locator("#floor-agents-rows, #floor-drill").filter(has=page.locator(".pill")).first).to_be_visible(
        timeout=PULSE
    )
    supervisor.step("somebody-works")

    before = page.locator("#floor-strip").inner_text()
    desk.until_answered()
    desk.choose("sold")
    desk.save()
    expect(page.locator("#floor-strip")).not_to_have_text(before, timeout=PULSE, use_inner_text=True)
    supervisor.step("a-deal-more")

    supervisor.page.keyboard.press("p")
    expect(page.locator("[data-live-hold]")).to_have_attribute("aria-pressed", "true")
    held = page.locator("#floor-strip").inner_text()
    desk.until_answered()
    desk.choose("sold")
    desk.save()
    page.wait_for_timeout(6_000)
    assert page.locator("#floor-strip").inner_text() == held
    supervisor.step("held-still")
    page.keyboard.press("p")
    expect(page.locator("#floor-strip")).not_to_have_text(held, timeout=PULSE, use_inner_text=True)
    assert page.evaluate("performance.timeOrigin") == loaded
    supervisor.step("goes-on")
