"""The administrator: people and their teams, the switch of a city, and what the audit trail says of it."""

import secrets
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_administrator(visit):
    admin = visit("administrator")
    page, t = admin.page, admin.t
    mark = secrets.token_hex(3)
    login, name = f"newcomer-{mark}", f"Newcomer {mark}"

    admin.menu("People")
    expect(page.get_by_role("row")).not_to_have_count(1)
    admin.step("people")

    admin.follow("New person")
    admin.field("username").fill(login)
    admin.field("display_name").fill(name)
    admin.field("password").fill("short")
    admin.field("code").fill(f"N{mark}")
    admin.field("role").select_option("agent")
    admin.press("Save")
    expect(page.locator("form.form").get_by_role("alert")).to_be_visible()
    admin.step("a-person-with-faults")

    admin.field("password").fill("a long walk by the river")
    admin.field("team").select_option(index=1)
    admin.press("Save")
    admin.toast(t("%(name)s has an account now.", name=name))
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    admin.step("person")

    move = page.locator("form[action$='/move/']")
    old_team = page.locator(".dt tbody tr").first.locator("td").first.inner_text()
    admin.field("move-team", move).select_option(index=4)
    admin.field("move-valid_from", move).fill((timezone.localdate() + timedelta(days=8)).isoformat())
    admin.press("Change team")
    expect(page.locator(".dt tbody tr")).to_have_count(2)
    expect(page.get_by_text(t("planned"), exact=True)).to_be_visible()
    assert old_team in page.locator(".dt tbody").first.inner_text()
    admin.step("team-changed-from-a-day")

    admin.menu("Cities")
    admin.step("cities")
    city = page.locator(".dt tbody tr").nth(3)  # not the city whose agents work in other journeys
    with page.expect_navigation():
        city.locator("td").first.click()
    admin.button("Switch off").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    admin.step("switch-off-asks")
    admin.press("Switch off", dialog)
    expect(page.get_by_text(t("switched off"), exact=True)).to_be_visible()
    admin.step("city-off")
    admin.press("Switch on")
    expect(page.get_by_text(t("may be called"), exact=True)).to_be_visible()

    admin.menu("Audit trail")
    for words in ("Made an account", "Gave a role", "Switched a city on or off"):
        expect(page.locator(".dt tbody tr").filter(has_text=t(words)).first).to_be_visible()
    admin.step("audit-trail")

    admin.menu("Jobs")
    admin.step("jobs")
    admin.menu("Teams")
    admin.step("teams")
    admin.go("core:calendar")
    admin.step("calendar")
    admin.sign_out()
    expect(page.get_by_role("heading", level=1)).to_be_visible()

    admin.sign_in_as(login, "a long walk by the river")
    admin.step("the-newcomer-signs-in")
