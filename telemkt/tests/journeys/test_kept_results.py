"""Results of calls that wait in the browser: gone with the sign-out, and after a week."""

from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page

SCRIPT = Path(settings.BASE_DIR) / "static" / "js" / "kept.js"
PAGE = """<!doctype html><form data-sign-out="Results wait." action="/out/"><button>Sign out</button></form><output></output>
<script>document.addEventListener("toast", (event) => { document.querySelector("output").textContent = event.detail.text; });</script>
<script type="module" src="/kept.js"></script>"""
KEPT = "() => Object.keys(localStorage).sort()"


@pytest.fixture
def page(browser):
    page = browser.new_page()
    page.route("http://desk.test/**", _answer)
    page.goto("http://desk.test/empty/")
    yield page
    page.close()


def _answer(route) -> None:
    path = route.request.url.removeprefix("http://desk.test")
    if path == "/kept.js":
        route.fulfill(body=SCRIPT.read_text(), content_type="text/javascript")
    else:
        route.fulfill(body=PAGE if path == "/" else "gone", content_type="text/html")


def keep(page: Page, user: int, hours: float) -> None:
    page.evaluate(
        "([name, hours]) => localStorage.setItem(name, JSON.stringify([{key: 'k', saved: Date.now() - hours * 3600000}]))",
        [f"desk.results.{user}", hours],
    )


def test_signing_out_warns_of_waiting_results_once_and_then_takes_them_away(page):
    keep(page, 7, 0)
    page.evaluate("() => localStorage.setItem('theme', 'dark')")
    page.goto("http://desk.test/")

    page.get_by_role("button").click()
    assert page.locator("output").inner_text() == "Results wait."
    assert page.evaluate(KEPT) == ["desk.results.7", "theme"]

    page.get_by_role("button").click()
    page.wait_for_url("**/out/**")
    assert page.evaluate(KEPT) == ["theme"]


def test_signing_out_takes_what_was_typed_and_what_was_refused_away_too(page):
    page.evaluate("() => localStorage.setItem('desk.form.7', '[{\"saved\": ' + Date.now() + '}]')")
    page.goto("http://desk.test/")
    page.get_by_role("button").click()  # a form that was begun is no result that waits: nobody is asked
    page.wait_for_url("**/out/**")
    assert page.evaluate(KEPT) == []

    page.evaluate("() => localStorage.setItem('desk.refused.7', '[{\"saved\": ' + Date.now() + '}]')")
    page.goto("http://desk.test/")
    page.get_by_role("button").click()
    assert page.locator("output").inner_text() == "Results wait."


def test_signing_out_with_nothing_waiting_asks_nothing(page):
    page.goto("http://desk.test/")

    page.get_by_role("button").click()

    page.wait_for_url("**/out/**")


def test_results_for_which_nobody_came_back_within_a_week_are_forgotten(page):
    keep(page, 7, 7 * 24 - 0.1)
    keep(page, 8, 7 * 24 + 0.1)

    page.goto("http://desk.test/")
    page.wait_for_function("() => !localStorage.getItem('desk.results.8')")

    assert page.evaluate(KEPT) == ["desk.results.7"]
