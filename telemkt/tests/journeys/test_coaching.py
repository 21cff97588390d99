"""A leader chooses whom to coach by figures and prepares a session; the agent reads evaluations, judges first, signs, and sees the own growth."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, expect

from telemkt.tests.journeys.visitor import Visitor

pytestmark = pytest.mark.browser

REGION = ZoneInfo("Asia/Shanghai")
VIEW = "客户说贵的时候，我没有先问原因。"
WORDS = {
    "good": "0:06 开场两句话说清了来意。",
    "improve": "1:20 没有问清是月费贵还是办理麻烦，客户就没有再听下去。",
    "expected": "遇到价格异议，先问一个问题，再回应。",
}
STEP = "每天记下三句自己问过的追问"
AGREED = timedelta(days=9)
REFUSED = ["staffing:coaching-new", "staffing:coaching-whom", "staffing:team-problems"]
AUDIO_AT = "document.querySelector('[data-audio]').currentTime"


def today() -> datetime:
    return datetime.now(REGION)


def own_line(leader: Visitor, name: str) -> Locator:
    return leader.page.locator("table.dt tbody tr", has=leader.page.get_by_role("rowheader", name=name)).first


def prepare(leader: Visitor, name: str) -> str:
    """From the figures to a session with an evaluation prepared; its path."""
    page = leader.page
    leader.menu("Coaching")
    leader.follow("Whom to coach")
    line = own_line(leader, name)
    expect(line.locator("td.num").first).to_contain_text(re.compile(r"\d+\.\d\s?%"))  # the score, from calls at random
    expect(page.locator("#main")).to_contain_text(leader.t("stagnating"))  # what the words mean stands beside
    leader.step("whom-to-coach")
    leader.follow("Plan a session", line)
    leader.field("planned_at").fill(f"{today():%Y-%m-%dT%H:%M}")
    page.locator("[name=evaluations]").first.check()
    leader.step("prepared")
    leader.press("Plan it")
    expect(page.locator("#main a[href*='/evaluations/']").first).to_be_visible()
    return re.sub(r"^https?://[^/]+", "", page.url)


def sign(who: Visitor) -> None:
    """By its form: "Sign out" begins with the same word."""
    with who.page.expect_navigation():
        who.page.locator("form[action$='/sign/'] button").click()


def write(leader: Visitor, path: str, step: str) -> None:
    """A step without its date is told at the step; then all of it."""
    page = leader.page
    leader.go(path)
    form = page.locator("form[action$='/words/']")
    for name, words in WORDS.items():
        leader.field(name, form).fill(words)
    leader.field("what_1", form).fill(step)
    leader.press("Write", form)
    expect(page.locator("#main")).to_contain_text(leader.t("Each step has words and a date."))
    leader.step("a-step-without-its-date")
    form = page.locator("form[action$='/words/']")
    day = f"{today() + AGREED:%Y-%m-%d}"
    leader.field("due_1", form).fill(day)
    leader.field("next_on", form).fill(day)
    leader.press("Write", form)


def test_team_leader_coaches_and_the_agent_signs_first(visit):
    leader, agent = visit("team_leader"), visit("agent")
    name = agent.page.locator("#side .who-link").get_attribute("title") or ""
    path = prepare(leader, name)
    step = f"{STEP}（{today():%H:%M:%S}）"  # not the one of the session before, which both may read at once
    write(leader, path, step)

    # the agent judges first: nothing of the coach's words before
    for page_name in REFUSED:
        assert agent.status(reverse(page_name)) == 403, page_name
    agent.menu("Coaching")
    agent.page.locator(f"a[href='{path}']").click()
    main = agent.page.locator("#main")
    expect(main).not_to_contain_text(WORDS["improve"])
    expect(main).not_to_contain_text(step)
    agent.step("before-the-own-view")
    agent.field("text").fill(VIEW)
    agent.press("Write the own view")
    for words in (*WORDS.values(), step):
        expect(main).to_contain_text(words)
    agent.step("both-views")
    sign(agent)
    expect(main).to_contain_text(agent.t("one signature is missing"))

    leader.go(path)
    expect(leader.page.locator("#main")).to_contain_text(VIEW)
    expect(leader.page.locator("form[action$='/words/']")).to_have_count(0)  # what one has signed stays
    sign(leader)
    expect(leader.page.locator("#main")).to_contain_text(leader.t("signed by both"))
    expect(leader.page.locator("#main")).to_contain_text(leader.t("Did it help?"))
    leader.step("signed-by-both")
    leader.menu("Coaching")
    listed = leader.page.locator("tr", has=leader.page.locator(f"a[href='{path}']"))
    expect(listed).to_contain_text(str((today() + AGREED).day))
    leader.follow("Common problems")
    leader.step("common-problems")


def marked(agent: Visitor) -> Locator:
    """Items that the scorer marked at a second of the recording and that may still be appealed."""
    return agent.page.locator(".item-row", has=agent.page.locator("[data-seek]")).filter(
        has=agent.page.locator("form[action*='/appeal/']")
    )


def open_with(agent: Visitor, wanted: Callable[[], bool]) -> None:
    """The oldest of the own evaluations of which this is so: the newest are left to other journeys."""
    agent.menu("Evaluations")
    rows = agent.page.locator("table.dt tbody th a").all()
    for path in [row.get_attribute("href") for row in reversed(rows)]:
        agent.go(path or "")
        if wanted():
            return
    raise AssertionError("no evaluation is so")


def test_agent_answers_to_evaluations_and_grows(visit):
    agent = visit("agent")
    page, main = agent.page, agent.page.locator("#main")
    accept = page.locator("form[action$='/accept/'] button")

    # at the second that the scorer marked
    open_with(agent, lambda: marked(agent).count() > 0)
    item = marked(agent).last  # the first stands at the very beginning
    at = int(item.locator("[data-seek]").first.get_attribute("data-seek") or 0) / 1000
    item.locator("[data-seek]").first.click()
    page.wait_for_function(f"() => Math.abs({AUDIO_AT} - {at}) < 0.5")
    item.locator("summary").click()
    item.locator("textarea").fill(f"{at:.0f} 秒处我问了需求")
    agent.step("at-the-second")
    with page.expect_navigation():
        item.locator("form button").click()
    expect(main).to_contain_text(f"{at:.0f} 秒处我问了需求")
    agent.step("appealed-at-the-second")

    # agreed with another one, and with no way back
    open_with(agent, lambda: accept.count() == 1 and marked(agent).count() == 0)
    with page.expect_navigation():
        accept.click()
    expect(accept).to_have_count(0)
    expect(page.locator("form[action*='/appeal/']")).to_have_count(0)
    agent.step("accepted")

    # from the own figures to the own growth, and to nobody else's
    agent.go("campaigns:desk")
    page.keyboard.press("F6")  # whatever the desk shows
    panel = page.locator("#own-sheet")
    expect(panel).to_contain_text(re.compile(agent.t("Next coaching: %(when)s", when="").strip()))
    agent.step("own-figures")
    agent.follow("How my skills grow", panel)
    expect(page.locator(".growth-plot").first).to_be_visible()
    expect(page.locator("select[name=team], select[name=agent]")).to_have_count(0)
    agent.step("own-growth")
    page.set_viewport_size({"width": 390, "height": 800})
    agent.step("as-wide-as-a-phone")
