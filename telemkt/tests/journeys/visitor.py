"""A person at the browser: signs in, clicks by the words on the page, and notices whatever is wrong with it."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from django.urls import reverse
from django.utils.translation import gettext, override
from playwright.sync_api import Browser, Download, Error, Locator, Page, Response, expect

from telemkt.stack import home
from telemkt.tests.journeys.running import Running

ARTIFACTS = home.CHECKOUT / "artifacts" / "journeys"
PATIENCE = 20_000  # milliseconds; a machine with two cores may have other things to do
# What the pages show as a sentence in place; the browser calls it an error all the same.
REFUSALS = {409, 422}
BROWSER_ON_STATUS = "Failed to load resource"
GIVEN_UP = {
    "net::ERR_ABORTED"
}  # the browser itself ends requests of a page that it leaves, and turns them into downloads
SWITCH_NAMES = {"en": "EN", "zh-hans": "中文"}
HTML_LANG = {"en": "en", "zh-hans": "zh-Hans"}
WATCH_POLICY = """addEventListener("securitypolicyviolation", (event) => console.error(
    `policy: ${event.violatedDirective} refused ${event.blockedURI} ${event.sourceFile || ""}:${event.lineNumber}`))"""
WIDER_THAN_WINDOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Visitor:
    """`faults` fills by itself; `step` fails the journey as soon as there is one."""

    def __init__(self, browser: Browser, stack: Running, *, journey: str, language: str) -> None:
        self.stack, self.language = stack, language
        self.directory = ARTIFACTS / f"{journey}-{language}"
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.faults: list[str] = []
        self.allowed: set[int] = set(REFUSALS)
        self.steps = 0
        context = browser.new_context(
            base_url=stack.url, viewport={"width": 1280, "height": 800}, accept_downloads=True,
            locale="zh-CN" if language == "zh-hans" else "en-GB", timezone_id="Asia/Shanghai", reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        context.add_init_script(WATCH_POLICY)
        self.context = context
        self.page: Page = context.new_page()
        self._watch(self.page)

    # -- What is noticed --

    def _watch(self, page: Page) -> None:
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("response", self._answered)
        page.on(
            "requestfailed",
            lambda request: (
                None if request.failure in GIVEN_UP else self.faults.append(f"{request.failure}: {request.url}")
            ),
        )

    def _heard(self, kind: str, text: str) -> None:
        if kind == "error" and not text.startswith(BROWSER_ON_STATUS):
            self.faults.append(f"console at {urlsplit(self.page.url).path} after step {self.steps}: {text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.allowed:
            self.faults.append(f"{response.status}: {response.request.method} {urlsplit(response.url).path}")

    def step(self, name: str) -> None:
        """Keep a picture of the page as it is, and look for what is wrong with it."""
        self.steps += 1
        wider = self.page.evaluate(WIDER_THAN_WINDOW)
        self.page.screenshot(path=self.directory / f"{self.steps:02d}-{name}.png", animations="disabled")
        if wider > 1:
            self.faults.append(f"{urlsplit(self.page.url).path} is {wider} px wider than the window at step {name}")
        language = self.page.locator("html").get_attribute("lang")
        if language != HTML_LANG[self.language]:
            self.faults.append(f"{urlsplit(self.page.url).path} is in {language} at step {name}")
        assert self.faults == [], f"at step {name}"

    def close(self) -> None:
        """Pages are left first: a context that is closed while one still plays sound, or is on its way to the next, may never answer."""
        for page in self.context.pages:
            with suppress(Error):
                page.goto("about:blank")
        self.context.close()

    # -- Words --

    def t(self, message: str, **values: object) -> str:
        """The words that this person reads for an English text of the catalogue."""
        with override(self.language):
            return gettext(message) % values if values else gettext(message)

    def button(self, words: str, within: Page | Locator | None = None) -> Locator:
        """A button by its words; a key beside them is no part of its name."""
        return self._named("button", words, within)

    def link(self, words: str, within: Page | Locator | None = None) -> Locator:
        return self._named("link", words, within)

    def _named(self, role: str, words: str, within: Page | Locator | None) -> Locator:
        name = re.compile(rf"^\s*{re.escape(self.t(words))}(\s+\S{{1,6}})?\s*$")
        return (within or self.page).get_by_role(role, name=name)

    def field(self, name: str, within: Page | Locator | None = None) -> Locator:
        """The control of a form by its name, whatever the language."""
        return (within or self.page).locator(f'[name="{name}"]:visible').first

    # -- Ways --

    def go(self, where: str, *args: object, query: str = "") -> None:
        """To a page by its URL name, or by its path."""
        path = where if where.startswith("/") else reverse(where, args=args)
        self.page.goto(path + (f"?{query}" if query else ""))

    def status(self, path: str) -> int:
        """What this person is answered at a path, without going there."""
        return self.context.request.get(self.stack.url + path, max_redirects=0).status

    def sign_in(self, role: str) -> None:
        account = self.stack.accounts[role]
        self.sign_in_as(account["login"], account["password"])

    def sign_in_as(self, login: str, password: str) -> None:
        self.go("people:login")
        self.speak()
        self.field("username").fill(login)
        self.field("password").fill(password)
        with self.page.expect_navigation():
            self.button("Sign in").click()
        expect(self.page.get_by_role("navigation", name=self.any("Menu"))).to_be_visible()
        self.speak()

    def any(self, message: str) -> re.Pattern[str]:
        """The words in either language."""
        texts = []
        for language in HTML_LANG:
            with override(language):
                texts.append(re.escape(gettext(message)))
        return re.compile(f"^({'|'.join(texts)})$")

    def speak(self) -> None:
        """Choose the language of this journey where the page has another: by the switch, or on the account's page where there is none."""
        if self.page.locator("html").get_attribute("lang") == HTML_LANG[self.language]:
            return
        switch = self.page.locator(".switch.lang:visible")
        if switch.count() == 0:
            self.go("people:account")
            self.page.locator("select[name=language]").select_option(self.language)
            with self.page.expect_navigation():
                self.page.locator("form", has=self.page.locator("select[name=language]")).get_by_role(
                    "button"
                ).first.click()
            self.go("/")
            return
        with self.page.expect_navigation():
            switch.get_by_role("button", name=SWITCH_NAMES[self.language]).click()

    def sign_out(self) -> None:
        with self.page.expect_navigation():
            self.button("Sign out").click()

    def menu(self, label: str) -> None:
        """By the side navigation."""
        side = self.page.locator("#side")
        with self.page.expect_navigation():
            self.link(label, side).click()

    def press(self, words: str, within: Page | Locator | None = None) -> None:
        """A button that leads to another page."""
        with self.page.expect_navigation():
            self.button(words, within).click()

    def follow(self, words: str, within: Page | Locator | None = None) -> None:
        with self.page.expect_navigation():
            self.link(words, within).first.click()

    def toast(self, sentence: str) -> None:
        """What the page says happened."""
        expect(self.page.locator(".toasts, .toast, [role=status]").filter(has_text=sentence).first).to_be_visible()

    def saved(self, download: Download) -> Path:
        """A file that came out, kept with the pictures."""
        path = self.directory / download.suggested_filename
        download.save_as(path)
        return path

    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()
