"""The desk's own scripts against a server that is slow, at fault, or says no: no result and no word that was typed is lost."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from django.conf import settings
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser

SCRIPTS = Path(settings.BASE_DIR) / "static" / "js"
HOME = "http://desk.test/"
TEMPLATE = (Path(settings.BASE_DIR) / "templates" / "campaigns" / "desk.html").read_text()
REFUSED = TEMPLATE[TEMPLATE.index('<section class="panel" id="desk-refused"') : TEMPLATE.index('<div id="desk"')]
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><body>%(refused)s
<div id="desk" data-user="7" data-result-url="/result/" data-notes-url="/notes/" data-text-saved="All saved" data-text-saving="Saving"
 data-text-waits="Not sent yet" data-text-not-kept="Not kept" data-text-kept="No connection." data-text-stuck="Stuck." data-text-refused="Refused:">%(desk)s</div>
<div id="desk-live"></div>
<script>window.htmx = { swap: (to, html) => { document.querySelector(to).innerHTML = html; document.querySelector(to).dispatchEvent(new CustomEvent("htmx:afterSettle", { bubbles: true })); },
  trigger: (to, name) => { (window.asked ??= []).push(name); } };</script>
<script type="module" src="/js/desk.js"></script></body></html>"""
DESK = """<span id="save-state"></span><div id="desk-notices"></div>
<section id="guide" data-lead="%(lead)s" data-hold="%(lead)s-1" data-script="3" data-notes="">
<div class="say" data-step="31" data-of="opening"><div data-question="8" data-kind="number"><input id="q8"><span data-wrong hidden>A number.</span></div></div></section>
<form id="result-form" data-lead="%(lead)s" data-hold="%(lead)s-1" novalidate>
<input type="hidden" name="lead" value="%(lead)s"><input type="hidden" name="disposition"><input type="hidden" name="callback_at">
<div id="result-keys"><button type="button" data-result="considering" data-needs="" aria-pressed="false"><span>Considering</span></button>
<button type="button" data-result="sold" data-needs="order" aria-pressed="false"><span>Sold</span></button></div>
<div data-detail hidden><div data-for="order" hidden><select name="product" id="order-product"><option value="1" data-price="9900">P</option></select>
<select name="offer" id="order-offer"><option value="none">none</option><option value="5" data-of="1" data-price="4900" selected>O</option></select><input name="amount"></div>
<select name="step"><option value=""></option></select><textarea name="note"></textarea></div><p id="result-fault" hidden></p><button data-save>Save</button></form>"""


class Server:
    """What the desk talks to. `results` are the answers to come, (status, body); the last one is given again and again."""

    def __init__(self, page: Page) -> None:
        self.page, self.lead = page, 1
        self.results: list[tuple[int, str]] = [(200, DESK % {"lead": 2})]
        self.notes: tuple[int, str] = (200, '{"version": 1}')
        self.posted: list[dict[str, str]] = []
        self.noted: list[dict] = []
        self.is_silent = self.is_away = False
        page.route(HOME + "**", self._answer)

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(HOME)
        if path.startswith("js/"):
            route.fulfill(body=(SCRIPTS / path[3:]).read_text(), content_type="text/javascript")
        elif path in ("result/", "notes/"):
            if self.is_away:
                route.abort("internetdisconnected")
            elif not self.is_silent:
                getattr(self, f"_{path[:-1]}")(route)
        elif path == "":
            body = PAGE % {"refused": REFUSED, "desk": DESK % {"lead": self.lead} if self.lead else ""}
            route.fulfill(body=body, content_type="text/html")
        else:
            route.fulfill(status=404)

    def _result(self, route: Route) -> None:
        told = {name: values[0] for name, values in parse_qs(route.request.post_data or "").items()}
        self.posted.append(told | {"key": route.request.headers["idempotency-key"]})
        status, body = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        route.fulfill(status=status, body=body, content_type="text/html" if status == 200 else "application/json")

    def _notes(self, route: Route) -> None:
        self.noted.append(json.loads(route.request.post_data or "{}"))
        route.fulfill(status=self.notes[0], body=self.notes[1], content_type="application/json")


def refusal(sentence: str, code: str = "DetailMissing", status: int = 409) -> tuple[int, str]:
    return status, json.dumps({"detail": sentence, "code": code})


@pytest.fixture
def page(browser):
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def server(page):
    return Server(page)


def opened(page: Page, server: Server, lead: int = 1) -> Page:
    server.lead = lead
    page.goto(HOME)
    page.wait_for_function("() => document.getElementById('save-state')?.textContent")
    return page


def save(page: Page, result: str = "considering", note: str = "after lunch") -> None:
    page.locator(f"[data-result={result}]").click()
    page.locator("[name=note]:not(.refused *)").fill(note)
    page.locator("[data-save]").click()


def kept(page: Page, name: str) -> list[dict]:
    return page.evaluate("(name) => JSON.parse(localStorage.getItem(name) ?? '[]')", f"desk.{name}.7")


def waits(page: Page, lead: int, key: str = "", **fields: str) -> None:
    """A result of this customer lies in the browser."""
    told = [["lead", str(lead)], ["disposition", "considering"], *fields.items()]
    item = {"key": key or f"k{lead}", "lead": str(lead), "hold": f"{lead}-1", "fields": told, "words": "Considering"}
    page.evaluate(
        "(item) => { const list = JSON.parse(localStorage.getItem('desk.results.7') ?? '[]'); list.push({ ...item, saved: Date.now() });"
        " localStorage.setItem('desk.results.7', JSON.stringify(list)); }",
        item,
    )


def test_a_result_whose_first_post_is_still_being_answered_is_sent_again_with_the_same_key(page, server):
    server.results = [refusal("Still being answered.", "KeyInUse"), (200, DESK % {"lead": 2})]
    opened(page, server)

    save(page)

    expect(page.locator("#save-state")).to_have_text("Not sent yet")
    assert len(kept(page, "results")) == 1
    expect(page.locator("#result-form")).to_have_attribute("data-lead", "2")
    assert len({post["key"] for post in server.posted}) == 1
    assert (kept(page, "results"), kept(page, "refused"), kept(page, "form")) == ([], [], [])


def test_a_refused_result_of_the_customer_in_sight_is_mended_in_its_form_and_survives_a_reload(page, server):
    server.results = [refusal("Give the reason."), (200, DESK % {"lead": 2})]
    opened(page, server)

    save(page, note="she wants it in blue")
    expect(page.locator("#result-fault")).to_have_text("Refused: Give the reason.")
    expect(page.locator("#save-state")).to_have_text("Not kept")
    opened(page, server)

    expect(page.locator("[name=note]:not(.refused *)")).to_have_value("she wants it in blue")
    expect(page.locator("[data-result=considering]")).to_have_attribute("aria-pressed", "true")
    page.locator("[data-save]").click()
    expect(page.locator("#result-form")).to_have_attribute("data-lead", "2")
    assert [post["note"] for post in server.posted] == ["she wants it in blue"] * 2
    expect(page.locator("[name=note]:not(.refused *)")).to_have_value("")


def test_a_refused_result_is_listed_when_its_customer_leaves_the_desk_unmended(page, server):
    server.results = [refusal("Give the reason.")]
    opened(page, server)
    save(page, note="she wants it in blue")
    expect(page.locator("#result-fault")).to_have_text("Refused: Give the reason.")
    expect(page.locator("#desk-refused")).to_be_hidden()

    page.evaluate("(html) => window.htmx.swap('#desk', html)", DESK % {"lead": 2})

    expect(page.locator("#desk-refused [name=note]")).to_have_value("she wants it in blue")


def test_a_refused_result_of_another_customer_stays_in_sight_until_it_is_mended(page, server):
    server.results = [refusal("The time has passed."), (200, "")]
    opened(page, server, lead=2)
    waits(page, 1, note="call at noon", callback_at="2026-11-29T14:10:00+08:00")

    opened(page, server, lead=2)
    row = page.locator("#desk-refused .refused")
    expect(row).to_contain_text("The time has passed.")
    expect(page.locator("#result-form")).to_have_attribute("data-lead", "2")
    opened(page, server, lead=2)
    row.locator("[name=note]").fill("call at one")
    row.get_by_role("button").first.click()

    expect(page.locator("#desk-refused")).to_be_hidden()
    page.wait_for_function("() => !localStorage.getItem('desk.results.7')")
    assert [(post["note"], post["callback_at"]) for post in server.posted] == [
        ("call at noon", "2026-11-29T14:10:00+08:00"),
        ("call at one", "2026-11-29T14:10:00+08:00"),
    ]
    # the answer speaks of another customer: the one in sight stays
    expect(page.locator("#result-form")).to_have_attribute("data-lead", "2")
    assert page.evaluate("() => window.asked") == ["poll"]


def test_a_refused_result_is_discarded_by_pressing_twice(page, server):
    server.results = [refusal("This lead is no longer with you.", "LeadNotYours")]
    opened(page, server, lead=2)
    waits(page, 1)
    opened(page, server, lead=2)

    button = page.locator("#desk-refused [data-discard]")
    button.click()
    assert len(kept(page, "refused")) == 1
    button.click()

    expect(page.locator("#desk-refused")).to_be_hidden()
    assert kept(page, "refused") == []


def test_without_a_connection_a_result_waits_and_goes_out_as_soon_as_there_is_one(page, server):
    opened(page, server)
    server.is_away = True

    save(page)
    expect(page.locator("#desk-notices")).to_contain_text("No connection.")
    expect(page.locator("#save-state")).to_have_text("Not sent yet")
    server.is_away = False
    page.evaluate("() => window.dispatchEvent(new Event('online'))")

    expect(page.locator("#result-form")).to_have_attribute("data-lead", "2")
    expect(page.locator("#desk-notices")).to_be_empty()
    assert [post["note"] for post in server.posted] == ["after lunch"]
    assert int(server.posted[0]["waited"]) < 30


def test_a_result_that_was_saved_anew_while_it_waited_goes_out_once_as_it_was_saved_last(page, server):
    opened(page, server)
    server.is_away = True
    save(page, note="first thought")
    expect(page.locator("#save-state")).to_have_text("Not sent yet")

    # the end of the call brings the button back
    page.locator("[data-save]").evaluate("(button) => { button.disabled = false; }")
    page.locator("[name=note]:not(.refused *)").fill("second thought")
    page.locator("[data-save]").click()
    expect(page.locator("#save-state")).to_have_text("Not sent yet")
    server.is_away = False

    expect(page.locator("#result-form")).to_have_attribute("data-lead", "2")
    assert [post["note"] for post in server.posted] == ["second thought"]


def test_two_windows_show_the_same_refused_results(page, server):
    server.results = [refusal("This lead is no longer with you.", "LeadNotYours")]
    opened(page, server, lead=2)
    other = page.context.new_page()
    opened(other, Server(other), lead=2)
    waits(page, 1)

    opened(page, server, lead=2)
    expect(other.locator("#desk-refused .refused")).to_contain_text("This lead is no longer with you.")
    for _time in range(2):
        other.locator("[data-discard]").click()

    expect(page.locator("#desk-refused")).to_be_hidden()


def test_a_server_that_does_not_answer_is_asked_again(page, server):
    server.is_silent = True
    opened(page, server)
    page.locator("#q8").fill("12")

    save(page)
    expect(page.locator("#save-state")).to_have_text("Not sent yet", timeout=25_000)
    server.is_silent = False

    expect(page.locator("#result-form")).to_have_attribute("data-lead", "2", timeout=25_000)
    assert [post["lead"] for post in server.posted] == ["1"]


def test_a_result_at_which_the_server_fails_lets_the_others_pass(page, server):
    server.results = [(500, "")] * 3 + [(200, ""), (500, "")]
    opened(page, server, lead=3)
    waits(page, 1)
    waits(page, 2)

    opened(page, server, lead=3)

    expect(page.locator("[data-stuck]")).to_be_visible(timeout=25_000)
    assert [post["lead"] for post in server.posted] == ["1", "1", "1", "2"]
    assert [item["lead"] for item in kept(page, "results")] == ["1"]
    expect(page.locator("#save-state")).to_have_text("Not sent yet")


def test_what_was_typed_is_there_after_a_reload_and_gone_with_the_next_customer(page, server):
    opened(page, server)
    page.locator("[data-result=sold]").click()
    page.locator("[name=amount]:not(.refused *)").fill("42.00")
    page.locator("#order-offer").select_option("none")

    opened(page, server)

    expect(page.locator("[name=amount]:not(.refused *)")).to_have_value("42.00")
    expect(page.locator("#order-offer")).to_have_value("none")
    expect(page.locator("[name=amount]:not(.refused *)")).to_have_attribute("placeholder", "99.00")
    opened(page, server, lead=2)
    assert kept(page, "form") == []


def test_an_order_without_an_offer_says_so(page, server):
    opened(page, server)
    page.locator("[data-result=sold]").click()
    page.locator("#order-offer").select_option("none")

    page.locator("[data-save]").click()

    expect(page.locator("#result-form")).to_have_attribute("data-lead", "2")
    assert (server.posted[0]["offer"], server.posted[0]["is_sale"]) == ("none", "on")


def test_notes_that_cannot_be_read_are_not_called_saved(page, server):
    server.notes = refusal("What was noted could not be read.", "NotesUnreadable", 422)
    opened(page, server)

    page.locator("#q8").fill("12")

    expect(page.locator("#save-state")).to_have_text("Not kept")
    expect(page.locator("#desk-notices")).to_contain_text("What was noted could not be read.")
    assert kept(page, "notes")[0]["notes"]["answers"] == {"8": "12"}


def test_notes_of_the_next_customer_are_sent_though_a_post_of_the_last_one_was_on_its_way(page, server):
    held: list[Route] = []
    opened(page, server)
    page.route(HOME + "notes/", lambda route: held.append(route) if not held else server._notes(route))
    page.locator("#q8").fill("1")
    page.wait_for_timeout(900)
    assert len(held) == 1
    page.evaluate("(html) => window.htmx.swap('#desk', html)", DESK % {"lead": 2})

    page.locator("#q8").fill("2")
    page.wait_for_timeout(900)
    held[0].fulfill(body='{"version": 1}', content_type="application/json")

    page.wait_for_function("() => !localStorage.getItem('desk.notes.7')")
    assert [noted["lead"] for noted in server.noted] == [2]
    assert server.noted[0]["notes"]["answers"] == {"8": "2"}


@pytest.mark.parametrize(("typed", "is_wrong"), [("12", False), ("1,299.50", False), ("１２", False), ("dear", True)])
def test_what_is_no_number_is_marked_as_it_is_typed(page, server, typed, is_wrong):
    opened(page, server)

    page.locator("#q8").fill(typed)

    expect(page.locator("#q8")).to_have_attribute("aria-invalid", "true" if is_wrong else "false")
    expect(page.locator("[data-wrong]")).to_be_visible(visible=is_wrong)
