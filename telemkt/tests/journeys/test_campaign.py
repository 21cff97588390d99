"""The campaign manager plans; QA, a second person, passes the gate; only then a stage begins."""

import secrets

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_campaign_manager_and_qa(visit):
    manager = visit("campaign_manager")
    page, t = manager.page, manager.t
    mark = secrets.token_hex(3).upper()
    expect(page.get_by_role("heading", level=1)).to_have_text(t("Campaigns"))
    manager.step("campaigns")

    with page.expect_navigation():
        page.keyboard.press("n")
    manager.field("code").fill(f"J-{mark}")
    manager.press("Save")
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    manager.step("a-plan-with-faults")
    manager.field("name").fill(f"Journey {mark}")
    for name in ("product", "script_version"):
        manager.field(name).select_option(index=1)
    manager.press("Save")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Journey {mark}")
    manager.step("planned")
    address = page.url

    manager.follow("Choose teams")
    page.locator("[name=teams]").first.check()
    manager.press("Save teams")
    manager.toast(t("The teams are stored."))
    expect(manager.button("Enter this stage")).to_have_count(0)
    manager.step("teams-chosen")

    qa = visit("qa")
    qa.menu("Campaigns")
    qa.step("campaigns")
    qa.follow(f"Journey {mark}")
    qa.button("Decide").click()
    expect(qa.page.get_by_role("dialog")).to_be_visible()
    qa.field("reason").fill("Plan read and found complete")
    qa.step("decides")
    qa.press("Pass the gate", qa.page.get_by_role("dialog"))
    expect(qa.button("Enter this stage")).to_have_count(0)
    qa.step("gate-passed")

    manager.go(page.url.removeprefix(manager.stack.url))
    manager.press("Enter this stage")
    expect(page.locator("tr[aria-current=step]")).to_contain_text(t("Script review"))
    manager.step("stage-entered")

    manager.button("Stop calling").first.click()
    manager.field("reason", page.get_by_role("dialog")).fill("price list changes")
    manager.press("Stop calling", page.get_by_role("dialog"))
    expect(page.get_by_role("status").first).to_be_visible()
    expect(manager.button("Let it call again").first).to_be_visible()
    manager.step("stopped")
    assert page.url.startswith(address)

    manager.menu("Products")
    manager.step("products")
    manager.menu("Scripts")
    manager.step("scripts")
    with page.expect_navigation():
        page.locator(".dt tbody a").first.click()
    manager.step("script")
