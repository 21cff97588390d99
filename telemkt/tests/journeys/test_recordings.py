"""Quality listens: real sound plays in the browser, is sought by range, noted, and cut into a clip; the agent hears the own call and answers."""

import pytest
from playwright.sync_api import expect

from telemkt.tests.journeys.visitor import Visitor

pytestmark = pytest.mark.browser

FIRST_SOUND = 1_000  # milliseconds from the key to the first sound; the machine may have other things to do
BUSY = 10
AUDIO = "document.querySelector('[data-audio]')"
STARTED = f"""() => new Promise((resolve) => {{
    const audio = {AUDIO}, began = performance.now();
    audio.addEventListener("timeupdate", () => {{ if (audio.currentTime > 0) resolve(performance.now() - began); }});
}})"""


def place(visitor: Visitor) -> float:
    return visitor.page.evaluate(f"{AUDIO}.currentTime")


def until_place(visitor: Visitor, condition: str) -> None:
    visitor.page.wait_for_function(f"() => {{ const at = {AUDIO}.currentTime; return {condition}; }}")


def open_newest(visitor: Visitor) -> None:
    visitor.menu("Recordings")
    visitor.step("recordings")
    with visitor.page.expect_navigation():
        visitor.page.locator("table.dt tbody th a").first.click()
    expect(visitor.page.locator("[data-undrawn]")).to_have_count(0)


def test_qa_listens(visit):
    qa = visit("qa")
    page = qa.page
    pieces = []
    page.on("response", lambda answer: pieces.append(answer) if answer.url.endswith("/sound/") else None)
    open_newest(qa)
    expect(page.locator("[data-turns] li")).not_to_have_count(0)
    assert pieces == []  # whoever looks at the page has not listened yet
    qa.step("player")

    page.evaluate(f"() => {{ window.firstSound = ({STARTED})(); }}")
    page.keyboard.press(" ")
    assert page.evaluate("window.firstSound") < FIRST_SOUND * BUSY
    until_place(qa, "at > 1")
    assert pieces[0].status == 206
    assert pieces[0].headers["content-range"].startswith("bytes 0-")
    assert "no-store" in pieces[0].headers["cache-control"]

    page.keyboard.press("5")
    length = page.evaluate(f"{AUDIO}.duration")
    assert 50 < length < 70
    until_place(qa, f"at > {length / 2}")
    page.keyboard.press("ArrowLeft")
    assert place(qa) < length / 2
    page.locator("[data-speed='1.5']").click()
    assert page.evaluate(f"{AUDIO}.playbackRate") == 1.5
    page.keyboard.press(" ")
    page.wait_for_function(f"() => {AUDIO}.paused")
    page.locator("[data-turns] [data-seek-seconds]").nth(1).click()
    expect(page.locator("[data-turns] li").nth(1)).to_have_class("is-on")

    before = page.locator("[data-notes] li").count()
    page.keyboard.press("m")
    expect(page.locator("[data-notes] li")).to_have_count(before + 1)
    page.keyboard.press("[")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("]")
    page.locator("[data-note-form] input[name=text]").fill("说得很清楚")
    page.locator("[data-note-form] input[name=text]").press("Enter")
    expect(page.locator("[data-notes] li")).to_have_count(before + 2)
    expect(page.locator("[data-notes]")).to_contain_text("说得很清楚")
    expect(page.locator("[data-note-form] input[name=text]")).to_have_value("")
    qa.step("noted")
    page.locator("[data-clip-form] input[name=title]").fill("Clear")
    qa.press("Put into the library")
    qa.menu("Best calls")
    sound = page.locator("audio").first
    for _try in range(40):
        if sound.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    sound.evaluate("(audio) => audio.play()")
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.5")
    assert 4.5 < sound.evaluate("(audio) => audio.duration") < 5.5
    qa.step("clip")
    with page.expect_navigation():
        page.locator("form[action*='/drop/'] button").first.click()


def test_agent_hears_the_own_call(visit):
    agent = visit("agent")
    agent.menu("Recordings")
    agent.step("own-recordings")
    agent.page.set_viewport_size({"width": 390, "height": 800})
    agent.go("qa:clips")
    agent.step("as-wide-as-a-phone")
