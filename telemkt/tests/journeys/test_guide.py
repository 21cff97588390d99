"""The script at the desk: answers by single keys, the way back, nothing lost without a connection, what two letters find."""

import pytest
from playwright.sync_api import expect

from telemkt.tests.journeys.test_agent import Desk

pytestmark = pytest.mark.browser


def test_agent_walks_the_script(visit):
    agent = visit("agent")
    desk, page = Desk(agent), agent.page
    desk.begin()
    step, saved = page.locator(".say:visible"), page.locator("#save-state")

    def at() -> str:
        return step.get_attribute("data-step") or ""

    # one key answers and goes on; back returns along the way
    first = at()
    branch = step.locator(".branch").first
    page.keyboard.press(branch.get_attribute("data-key"))
    expect(step).not_to_have_attribute("data-step", first)
    second = at()
    page.keyboard.press("ArrowLeft")
    expect(step).to_have_attribute("data-step", first)
    expect(branch).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowRight")
    expect(step).to_have_attribute("data-step", second)
    expect(saved).to_have_text(agent.t("All saved"))
    agent.step("answered-by-a-key")

    # without a connection the step is kept here, also over a reload, and is sent by itself
    page.route("**/desk/notes/", lambda route: route.abort("aborted"))
    page.keyboard.press("ArrowRight")
    expect(saved).to_have_text(agent.t("Not sent yet"))
    third = at()
    assert third not in (first, second)
    page.reload()
    expect(step).to_have_attribute("data-step", third)
    page.unroute("**/desk/notes/")
    expect(saved).to_have_text(agent.t("All saved"))
    agent.step("kept-without-a-connection")

    # a second window stands where the first one does, and the first follows it
    other = agent.context.new_page()
    other.goto("/desk/")
    expect(other.locator(".say:visible")).to_have_attribute("data-step", third)
    other.keyboard.press("ArrowLeft")
    expect(step).to_have_attribute("data-step", second)
    other.close()

    # two letters find an answer, Enter opens it, a key says that it helped
    page.keyboard.press("/")
    page.keyboard.type("tg")
    page.keyboard.press("Enter")
    found = page.locator("#desk-found .objection.is-on")
    expect(found.locator("p")).to_be_visible()
    page.keyboard.press(found.locator("[data-helped='1']").get_attribute("data-key"))
    expect(found.locator("[data-helped='1']")).to_have_attribute("aria-pressed", "true")
    agent.step("found-by-two-letters")

    # the customer stays in hand: whoever comes next finds the script at its beginning
    page.locator("body").click(position={"x": 2, "y": 2})
    page.keyboard.press("ArrowLeft")
    expect(step).to_have_attribute("data-step", first)
    expect(saved).to_have_text(agent.t("All saved"))
