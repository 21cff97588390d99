"""The regional manager reads the indicators and takes them away as files; the city manager sees one city and no more."""

import csv
import re
from pathlib import Path

import openpyxl
import pytest
from django.urls import reverse
from playwright.sync_api import expect

from telemkt.tests.journeys.visitor import Visitor

pytestmark = pytest.mark.browser

COUNTS = ("customers_called", "customers_reached", "customers_won", "customers_cancelled")


def plain(text: str) -> int:
    return int(re.sub(r"[^\d]", "", text) or 0)


def table(visitor: Visitor) -> list[list[int]]:
    """The counts of the page's table, largest first, without names."""
    lines = visitor.page.locator("#groups tbody tr").all()
    return sorted([plain(cell) for cell in line.locator("td").all_inner_texts()[: len(COUNTS)]] for line in lines)


def of_file(rows: list[dict[str, object]]) -> list[list[int]]:
    return sorted([int(row[name] or 0) for name in COUNTS] for row in rows)


def exported(visitor: Visitor, words: str) -> Path:
    visitor.button("Export").click()
    with visitor.page.expect_download() as coming:
        visitor.link(words).click()
    return visitor.saved(coming.value)


def test_regional_manager(visit):
    manager = visit("regional_manager")
    page, t = manager.page, manager.t
    expect(page.locator("#groups tbody tr").first).to_be_visible()
    manager.step("indicators")

    manager.go("metrics:indicators", query="period=last_month&by=city")
    if page.locator("#groups").count() == 0:
        manager.go("metrics:indicators", query="by=city")
    expect(page.locator("#groups tbody tr")).to_have_count(6)
    manager.step("by-city")
    shown = table(manager)
    assert any(any(counts) for counts in shown)

    book = openpyxl.load_workbook(exported(manager, "Excel with chart and definitions"), data_only=True)
    heads, *lines = book.worksheets[0].iter_rows(values_only=True)
    assert of_file([dict(zip(heads, line, strict=True)) for line in lines]) == shown
    assert any(sheet._charts for sheet in book.worksheets)
    assert len(book.sheetnames) == 3

    with exported(manager, "CSV").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert of_file(rows) == shown

    page.locator("select[name=by]").select_option("team")
    expect(page.locator("#groups tbody tr")).to_have_count(12)
    manager.step("by-team")
    first_count = page.locator("#groups tbody tr").first.locator("td a").first
    with page.expect_navigation():
        first_count.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(t("Calls"))
    manager.step("the-calls-behind-a-figure")

    manager.menu("Definitions")
    expect(page.locator("#success_rate")).to_be_visible()
    manager.step("definitions")
    for name in ("Floor", "Orders", "Campaigns", "Products"):
        manager.menu(name)
        manager.step(name.lower())


def test_city_manager(visit):
    region = visit("regional_manager")
    city = visit("city_manager")
    page = city.page
    city.step("indicators")
    expect(page.locator("#groups")).not_to_contain_text(re.compile("Guangzhou|广州"))

    # Of another city by the page's own filter: the newest calls of the region may all be of Foshan.
    region.go("campaigns:calls")
    elsewhere = region.page.locator("select[name=city] option", has_text=re.compile("东莞|Dongguan"))
    region.go("campaigns:calls", query=f"city={elsewhere.get_attribute('value')}")
    foreign = region.page.locator(".dt tbody tr[data-href]").first
    expect(foreign).to_contain_text(re.compile("东莞|Dongguan"))
    foreign_call = foreign.get_attribute("data-href")
    city.go("campaigns:calls")
    expect(page.locator(".dt tbody tr").first).to_be_visible()
    city.step("own-calls")
    own = page.locator(".dt tbody tr").all_inner_texts()
    assert all(re.search("佛山|Foshan", row) for row in own)

    assert city.status(foreign_call) == 404
    for name in ("core:audit", "customers:list-upload", "campaigns:campaign_new"):
        assert city.status(reverse(name)) == 403, name
    city.menu("Floor")
    city.step("floor")
