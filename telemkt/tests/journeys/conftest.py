"""One stack and one Chromium for all journeys. Without a Chromium they are skipped, but never in continuous integration."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from telemkt.tests.journeys.running import Running, running_stack
from telemkt.tests.journeys.visitor import PATIENCE, Visitor

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]


def chromium() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


# For the package, not for the whole run: while Playwright lives, Django takes this thread for an asynchronous one.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        reason = "There is no Chromium here (apt-get install chromium)."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def stack(browser: Browser) -> Iterator[Running]:
    with running_stack() as running:
        yield running


@pytest.fixture(params=["en", "zh-hans"])
def language(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def visit(
    browser: Browser, stack: Running, language: str, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Visitor]]:
    """`visit("agent")`: a person of this role, signed in. Each has a browser of its own; what any of them notices fails the journey."""
    visitors: list[Visitor] = []
    journey = request.node.name.removeprefix("test_").partition("[")[0]

    def arrive(role: str) -> Visitor:
        name = journey if role in journey and not visitors else f"{journey}-{role}"
        visitor = Visitor(browser, stack, journey=name, language=language)
        visitors.append(visitor)
        visitor.sign_in(role)
        return visitor

    yield arrive
    faults = [fault for visitor in visitors for fault in visitor.faults]
    for visitor in visitors:
        visitor.close()
    assert faults == []
