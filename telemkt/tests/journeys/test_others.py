"""Trainer and team leader: where their day starts, what they may read, and what is refused with a sentence."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

REFUSED = {
    "trainer": ["people:users", "core:audit", "customers:list-upload", "campaigns:campaign_new"],
    "team_leader": ["people:users", "core:audit", "customers:list-upload", "scripts:product_new"],
}


@pytest.mark.parametrize("role", sorted(REFUSED))
def test_others(visit, role):
    visitor = visit(role)
    page = visitor.page
    expect(page.get_by_role("heading", level=1).first).to_be_attached()
    visitor.step("home")
    for link in page.locator("#side a.item").all():
        address = link.get_attribute("href")
        assert visitor.status(address) == 200, address
    for name in REFUSED[role]:
        assert visitor.status(reverse(name)) == 403, name

    visitor.allowed.add(403)
    visitor.go(REFUSED[role][0])
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    visitor.step("refused-with-a-sentence")
    visitor.allowed.discard(403)
    visitor.menu("Scripts")
    visitor.step("scripts")
    visitor.go("people:account")
    visitor.step("account")
    page.set_viewport_size({"width": 390, "height": 800})
    visitor.go("/")
    expect(page.get_by_role("heading", level=1).first).to_be_attached()
    visitor.step("as-wide-as-a-phone")
