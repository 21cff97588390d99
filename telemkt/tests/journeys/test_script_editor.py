"""Who writes a script never presses a button to keep it, loses nothing that was typed, and sees it as the agent will."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CARDS = ".step-card"


def test_script_editor(visit):
    manager = visit("campaign_manager")
    page = manager.page
    manager.go("scripts:scripts")
    with page.expect_navigation():
        page.locator(".dt tbody a").first.click()
    script = page.url.split("?")[0]
    draft = page.locator("a[data-key=E]")
    with page.expect_navigation():
        (draft if draft.count() else page.locator("form[action$='/versions/'] button")).first.click()
    address = page.url
    state = page.locator("#save-state")
    manager.step("editor")

    # typing is kept by itself, also what is typed while the step is on its way to another place
    text = page.locator(CARDS).nth(2).locator("textarea[name=text]")
    name = text.get_attribute("id")
    text.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(" one")
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.type(" two")
    expect(page.locator(CARDS).nth(3).locator("textarea[name=text]")).to_have_attribute("id", name)
    expect(page.locator(f"#{name}")).to_be_focused()
    expect(page.locator(f"#{name}")).to_have_value(re.compile(" one two$"))
    page.wait_for_timeout(2500)
    expect(state).not_to_have_class("save-state is-waiting")
    page.reload()
    assert page.locator(f"#{name}").input_value().endswith(" one two")

    # a step by its key, a question with two answers by Enter, all of it back after deletion
    count = page.locator(CARDS).count()
    page.keyboard.press("5")
    expect(page.locator(CARDS)).to_have_count(count + 1)
    card = page.locator(f"{CARDS}:focus-within")
    expect(card.locator("textarea[name=text]")).to_be_focused()
    page.keyboard.type("Shall we?")
    number = card.get_attribute("data-step")
    page.locator(f"#ask-{number}").click()
    question = page.locator(f"#more-{number} .question")
    expect(question.locator("[name=text]")).to_be_focused()
    page.keyboard.type("Agreed?")
    question.locator("[name=answer]").first.fill("Yes")
    page.keyboard.press("Enter")
    page.keyboard.type("No")
    question.locator("[name=target]").nth(1).select_option("end")
    page.locator(f"#step-{number} button[hx-post$='/delete/']").first.click()
    expect(page.locator(CARDS)).to_have_count(count)
    page.locator(".toast-note button[hx-post]").click()
    expect(page.locator(CARDS)).to_have_count(count + 1)
    again = page.locator(f"{CARDS}:focus-within")
    expect(again.locator("[name=answer]")).to_have_count(2)
    expect(again.locator("[name=target]").nth(1)).to_have_value("end")
    manager.step("written")

    # as the agent will see it, by keys
    page.keyboard.press("Escape")
    with page.expect_navigation():
        page.keyboard.press("v")
    with page.expect_navigation():
        page.keyboard.press("1")
    expect(page.locator("ol.way-so-far li")).to_have_count(1)
    manager.step("preview")
    manager.go(f"{address.removeprefix(manager.stack.url)}map/")
    expect(page.locator(".flow-step")).to_have_count(count + 1)
    manager.step("map")
    manager.go(f"{script.removeprefix(manager.stack.url)}compare/")
    expect(page.locator(".pair-card ins").first).to_be_visible()
    manager.step("side-by-side")
    assert reverse("scripts:scripts") in page.url
