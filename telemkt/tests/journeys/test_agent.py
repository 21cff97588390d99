"""The agent: one customer after the other, by keys alone; what was promised comes back in time and first."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, expect

from telemkt.tests.journeys.visitor import PATIENCE, Visitor

pytestmark = pytest.mark.browser

MASKED = re.compile(r"^\d{3}\*{4}\d{4}$")
MOST_STEPS = 12
MOST_CALLS = 60  # four of ten are answered; by luck alone a journey does not run into this
TRIES = 3
REGION = ZoneInfo("Asia/Shanghai")


class Desk:
    """What an agent does at the desk."""

    def __init__(self, agent: Visitor) -> None:
        self.agent, self.page = agent, agent.page
        self.results = self.page.locator("#result-keys [data-result]")

    def lead(self) -> str:
        return self.page.locator(".desk-cols").get_attribute("data-lead") or ""

    def begin(self) -> None:
        """A customer stands there, not called yet."""
        if self.page.locator(".desk-cols[data-lead]").count() == 0:
            self.page.keyboard.press("Enter")
            expect(self.page.locator(".desk-cols[data-lead]")).to_be_visible()
        if self.results.count():  # a call that was under way when the desk was left
            self.choose("refused_no_need" if self.key("sold").count() else "no_answer")
            self.save()

    def call(self) -> bool:
        """Dial and let it ring until results may be given; returns whether somebody has answered.

        The rules are asked again at the dial: whom they protect by now is replaced by the next customer, who is dialled instead.
        """
        dial = self.page.locator("[data-dial]:visible")
        for _ in range(TRIES):
            self.page.keyboard.press("Enter")
            expect(self.results.or_(dial).first).to_be_visible()
            try:
                expect(dial).to_have_count(0, timeout=PATIENCE // 4)
            except AssertionError:
                continue
            break
        expect(self.results.first).to_be_visible()
        return self.key("sold").count() == 1

    def key(self, result: str) -> Locator:
        return self.page.locator(f'#result-keys [data-result="{result}"]')

    def walk(self) -> None:
        """Along the script by its first answers, as far as they lead: a sale needs what the steps on its way ask for."""
        for _ in range(MOST_STEPS):
            step = self.page.locator(".say:visible")
            branch = step.locator(".branch").first
            if not branch.count() or branch.get_attribute("aria-pressed") == "true":
                return
            here = step.get_attribute("data-step")
            self.page.locator("body").press(branch.get_attribute("data-key"))
            expect(step).not_to_have_attribute("data-step", here)

    def choose(self, result: str) -> None:
        if result == "sold":
            self.walk()
        self.page.locator("body").press(self.key(result).get_attribute("data-key").lower())
        expect(self.key(result)).to_have_attribute("aria-pressed", "true")

    def save(self) -> None:
        """Keep the result; the next customer stands there at once."""
        before = self.lead()
        self.page.keyboard.press("Control+Enter")
        expect(self.page.locator(f'.desk-cols[data-lead="{before}"]')).to_have_count(0)
        expect(self.page.locator(".desk-cols[data-lead]")).to_be_visible()

    def save_unanswered(self) -> None:
        """What the network has told stands there already."""
        expect(self.page.locator('#result-keys [data-result][aria-pressed="true"]')).to_have_count(1)
        self.save()

    def end(self, answered: bool) -> None:
        """Any result, and on to the next."""
        if answered:
            self.choose("considering")
            self.save()
        else:
            self.save_unanswered()

    def until_answered(self, *, never_called: bool = False) -> None:
        for _ in range(MOST_CALLS):
            wanted = not never_called or self.page.locator(".timeline").count() == 0
            answered = self.call()
            if answered and wanted:
                return
            self.end(answered)
        raise AssertionError("nobody answers")


def test_agent(visit):
    agent = visit("agent")
    desk, page = Desk(agent), agent.page
    expect(page).to_have_url(re.compile("/desk/$"))
    agent.step("before-work")
    desk.begin()

    expect(page.locator(".person .number")).to_have_text(MASKED)
    expect(page.locator(".say-text:visible")).not_to_be_empty()
    expect(desk.results).to_have_count(0)
    agent.step("next-customer")
    page.keyboard.press("ArrowRight")
    expect(page.locator("p.say-step:visible")).to_contain_text("2")

    # Without a result there is no next customer: the desk shows the same one again.
    # Somebody never called before: the most attempts in a day would else stop the callback too.
    desk.until_answered(never_called=True)
    in_hand = desk.lead()
    page.reload()
    assert desk.lead() == in_hand
    expect(page.locator("[data-dialog='#break-sheet']")).to_be_disabled()
    agent.step("in-the-call")

    # A callback needs its time.
    desk.choose("callback")
    expect(page.locator(":focus")).to_have_attribute(
        "data-at", re.compile("^20")
    )  # the first free time, to be taken by Enter
    page.keyboard.press("Control+Enter")
    expect(page.locator("#result-fault")).to_have_text(re.compile(re.escape(agent.t("Say when to call back."))))
    agent.step("a-callback-without-its-time")
    promised, name = desk.lead(), page.locator(".person-name").inner_text()
    page.locator("[data-day=other]").click()
    due = (datetime.now(REGION) + timedelta(seconds=75)).strftime("%Y-%m-%dT%H:%M")
    page.locator("[data-other]").fill(due)
    page.locator("#note").fill("after lunch")
    desk.save()
    expect(page.locator("#desk-promises")).to_contain_text(name.split("\n")[0].split(" ")[0])
    agent.step("promised")

    deals = int(page.locator("dl.own dd").first.inner_text())
    desk.until_answered()
    desk.choose("sold")
    page.locator("#order-amount").fill("188.00")
    agent.step("sold-with-its-order")
    desk.save()
    expect(page.locator("dl.own dd").first).to_have_text(str(deals + 1))

    desk.until_answered()
    desk.choose("refused_mid_call")
    expect(page.locator("#result-step")).not_to_have_value("")
    agent.step("refused-at-a-step")
    desk.save()

    # The one who was promised comes before all others, once it is time; also in the place of one whom the rules protect at the dial.
    for _ in range(MOST_CALLS):
        if desk.lead() == promised:
            break
        if datetime.now(REGION).strftime("%Y-%m-%dT%H:%M") < due:
            page.wait_for_timeout(1500)
        answered = desk.call()
        if desk.lead() == promised:
            break
        desk.end(answered)
    assert desk.lead() == promised
    expect(page.locator(".person .notice")).to_contain_text("after lunch")
    agent.step("the-promise-is-kept")
    if desk.results.count():
        desk.end(answered)

    agent.go("campaigns:callbacks")
    agent.step("callbacks")
    agent.go("campaigns:desk")
    page.keyboard.press("F9")
    expect(page.locator("#break-sheet")).to_be_visible()
    agent.step("leaving")
    page.keyboard.press("0")
    expect(page.locator(".desk-cols.is-idle")).to_be_visible()
    agent.step("end-of-work")
