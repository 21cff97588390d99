"""Quality scores a call by keys beside its sound and submits it; the agent reads an own evaluation and appeals an item; another of QA would decide."""

import pytest
from playwright.sync_api import expect

from telemkt.tests.journeys.visitor import Visitor

pytestmark = pytest.mark.browser

NOW = "[data-item].is-now"


def saves(visitor: Visitor, n: int) -> None:
    expect(visitor.page.locator("#saves")).to_have_value(str(n))


def begin(qa: Visitor, first: int, *, is_in_points: bool = False) -> None:
    """Score the first recorded call from this row on that this person has not scored yet; of each two rows one is left to the other language."""
    page = qa.page
    for n in range(first if qa.language == "en" else first + 1, first + 14, 2):
        qa.menu("Recordings")
        with page.expect_navigation():
            page.locator("table.dt tbody tr").nth(n).locator("th a").click()
        if is_in_points:
            forms = page.locator("form[action*='of-call'] select[name=version]")
            forms.select_option(forms.locator("option").last.get_attribute("value"))
        with page.expect_navigation():
            page.locator("form[action*='of-call'] button").click()
        if page.locator("#saves").count():
            return
    raise AssertionError("all of them were scored already")


def test_qa_scores_by_keys(visit):
    qa = visit("qa")
    page = qa.page
    begin(qa, 20)
    items = page.locator("[data-item]").count()
    qa.step("empty")

    page.keyboard.press("n")
    saves(qa, 1)
    page.keyboard.press("r")
    page.locator(f"{NOW} [data-remark]").type("没有问候")
    page.locator(f"{NOW} [data-mark]").click()  # takes the remark along
    saves(qa, 2)
    expect(page.locator(f"{NOW} [data-seek]")).to_have_count(1)
    expect(page.locator(f"{NOW} [data-remark]")).to_have_value("没有问候")
    page.locator(f"{NOW} [data-remark]").press("Enter")
    saves(qa, 3)
    expect(page.locator(f"{NOW} [data-answer='no']")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    for n in range(1, items):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("a" if n == 1 else "y")
        saves(qa, 3 + n)
    page.locator("details.explained summary").click()
    qa.step("answered")

    # what is still in a field goes out before the whole is submitted
    page.locator("[data-item]").nth(2).locator("[data-remark]").fill("语速合适")
    with page.expect_navigation():
        page.locator("[data-submit] button").click()
    page.wait_for_url("**/evaluations/*/")
    expect(page.locator("#main")).to_contain_text("语速合适")
    qa.step("submitted")
    qa.menu("Forms")
    qa.step("forms")
    qa.menu("Appeals")
    qa.step("appeals")


def test_qa_gives_points_by_digits(visit):
    qa = visit("qa")
    page = qa.page
    begin(qa, 34, is_in_points=True)
    place = "document.querySelector('[data-audio]').currentTime"

    page.keyboard.press("4")  # of 5 points: the digit is an answer and does not move the sound
    saves(qa, 1)
    page.keyboard.press("7")  # more than there are: neither
    expect(page.locator(f"{NOW} [data-answer='4']")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate(place) == 0
    for _n in range(3):
        page.keyboard.press("ArrowDown")
    expect(page.locator(f"{NOW} [data-answer='yes']")).to_be_visible()
    page.keyboard.press("5")  # at an item of Yes and No it goes to the middle of the sound
    page.wait_for_function(f"{place} > 20")
    expect(page.locator("#hints")).to_be_visible()
    saves(qa, 1)
    qa.step("points")
    page.set_viewport_size({"width": 390, "height": 800})
    qa.step("as-wide-as-a-phone")


def test_trainer_writes_a_form(visit):
    trainer = visit("trainer")
    page = trainer.page
    trainer.menu("Forms")
    with page.expect_navigation():
        page.locator("table.dt tbody tr").nth(1).locator("td:last-child :is(button, a)").click()
    first = page.locator(".form-item [name=text]").first
    words = first.input_value()
    first.focus()
    page.keyboard.press("Alt+ArrowDown")
    second = page.locator(".form-item [name=text]").nth(1)
    expect(second).to_have_value(words)
    expect(second).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    expect(first).to_have_value(words)
    weight = page.locator("#draft [name=weight]").first
    weight.fill("many")
    weight.press("Tab")
    expect(page.locator("#draft-state [role=alert]")).to_be_visible()
    weight.fill("15")
    weight.press("Tab")
    expect(page.locator("#draft-state [role=alert]")).to_have_count(0)
    trainer.step("builder")
    page.set_viewport_size({"width": 390, "height": 800})
    trainer.step("as-wide-as-a-phone")


def test_agent_reads_and_appeals(visit):
    agent = visit("agent")
    page = agent.page
    agent.menu("Evaluations")
    agent.step("own-evaluations")
    page.locator("table.dt tbody a").first.click()
    page.wait_for_url("**/evaluations/*/")
    page.locator("details.item-more summary").nth(0 if agent.language == "en" else 1).click()
    form = page.locator("details.item-more[open] form")
    form.locator("textarea").fill("我当时说了")
    with page.expect_navigation():
        form.locator("button").click()
    expect(page.locator("#main")).to_contain_text("我当时说了")
    agent.step("appealed")
    page.set_viewport_size({"width": 390, "height": 800})
    agent.step("as-wide-as-a-phone")
