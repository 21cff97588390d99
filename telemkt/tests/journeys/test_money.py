"""What the work costs is entered and taken back; an opportunity is handed over from a call, and how it ended is written down."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_costs(visit):
    manager = visit("regional_manager")
    page, note = manager.page, f"journey {manager.language}"
    manager.menu("Costs")
    before = page.locator("table.dt tbody tr").count()
    page.keyboard.press("n")
    expect(manager.field("kind")).to_be_visible()
    manager.field("kind").select_option("data")
    manager.field("amount_cents").fill("0")
    manager.button("Enter").click()
    expect(page.get_by_text(manager.t("Enter an amount above nothing."))).to_be_visible()
    manager.step("refused")
    manager.field("amount_cents").fill("310.50")
    manager.field("spread").select_option("calls")
    manager.field("note").fill(note)
    manager.button("Enter").click()
    expect(page.get_by_text(manager.t("The cost is entered."))).to_be_visible()
    manager.step("entered")

    manager.menu("Costs")
    rows = page.locator("table.dt tbody tr")
    expect(rows).to_have_count(before + 1)
    row = rows.filter(has_text=note)
    expect(row).to_contain_text("310.50")
    manager.button("Take back", within=row).click()
    expect(rows).to_have_count(before)
    manager.go("campaigns:costs", query="state=back")
    manager.button("Put back", within=page.locator("tr", has_text=note)).click()
    expect(page.locator("tr", has_text=note)).to_have_count(0)
    manager.menu("Costs")
    manager.button("Take back", within=page.locator("tr", has_text=note)).click()
    expect(rows).to_have_count(before)
    manager.step("taken-back")

    manager.go("metrics:indicators", query="columns=economics&period=last_month&by=city")
    expect(page.locator("#groups tbody tr")).to_have_count(6)
    expect(page.locator("#groups tbody tr").first).to_contain_text(re.compile(r"\d+\.\d\d"))
    manager.step("cost-and-return")


def open_call_of_nobodys_hand(visitor):
    """The newest that is no opportunity yet."""
    page = visitor.page
    for address in [link.get_attribute("href") for link in page.locator("table.dt tbody tr th a").all()]:
        page.goto(address)
        if visitor.link("Hand over an opportunity").count():
            return


def test_opportunity(visit):
    supervisor = visit("supervisor")
    page = supervisor.page
    supervisor.menu("Opportunities")
    supervisor.step("list")
    supervisor.go("campaigns:calls", query="connected=1")
    open_call_of_nobodys_hand(supervisor)
    supervisor.link("Hand over an opportunity").click()
    supervisor.field("wish").fill("journey")
    supervisor.field("closer").fill("Shop 7")
    page.locator("form.form button.btn-primary").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile(r"\d+"))
    supervisor.step("handed-over")
    supervisor.field("won").select_option("0")
    page.locator('[name="quality"][value="fair"]').check()
    supervisor.button("Write down").click()
    expect(page.get_by_text(supervisor.t("Say why it was lost."))).to_be_visible()
    supervisor.field("reason").fill("too dear")
    supervisor.button("Write down").click()
    expect(page.get_by_text("too dear")).to_be_visible()
    supervisor.step("closed")
    supervisor.button("Open again").click()
    expect(supervisor.button("Write down")).to_be_visible()
