"""The data team: a list with rows of every kind, their verdicts, the rows not taken as a workbook, commit, the same file again, a campaign."""

import secrets
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from playwright.sync_api import expect

from telemkt.tests.journeys.visitor import Visitor

pytestmark = pytest.mark.browser

HEADS = ("客户编号", "姓名", "手机", "城市", "年龄", "套餐")
LONG = 120_000  # milliseconds for a job that waits its turn


def write(path: Path, rows: list[tuple]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([HEADS, *rows]):
            sheet.write_row(number, 0, row)
    return path


def tally(data: Visitor) -> dict[str, int]:
    """Counts by the mark of their verdict."""
    cells = data.page.locator(".tally a").all()
    return {
        (cell.get_attribute("class") or "").removeprefix("is-"): int(cell.locator("b").inner_text().replace(",", ""))
        for cell in cells
    }


def upload(data: Visitor, path: Path, name: str) -> None:
    data.go("customers:list-upload")
    data.field("file").set_input_files(path)
    data.field("name").fill(name)
    data.field("source").select_option(index=1)
    data.field("consent_basis").fill("Contract of joining, clause 7")
    data.press("Upload and check")


def checked(data: Visitor) -> None:
    expect(data.page.locator(".tally")).to_be_visible(timeout=LONG)


def committed(data: Visitor) -> None:
    with data.page.expect_navigation():
        data.page.locator("form[action$='/commit/'] button").click()
    expect(data.page.locator("form[action$='/commit/']")).to_have_count(0)
    expect(data.page.locator(".commit")).to_be_visible(timeout=LONG)


def test_data_team(visit, tmp_path):
    data = visit("data")
    page, t = data.page, data.t
    mark = secrets.token_hex(3)
    stem = f"191{secrets.randbelow(9000) + 1000}"
    phones = [f"{stem}{n:04d}" for n in range(9)]
    expect(page.get_by_role("heading", level=1)).to_have_text(t("Lists"))
    data.step("lists")

    # Something must be known already, or nothing could be unchanged, changed or suppressed.
    known = [(f"{mark}-{n}", f"王小明{n}", phones[n], "佛山", 30 + n, "基本") for n in range(3)]
    upload(data, write(tmp_path / f"first-{mark}.xlsx", known), f"First {mark}")
    checked(data)
    assert tally(data)["new"] == 3
    committed(data)
    data.go("customers:suppression-new")
    data.field("number").fill(phones[2])
    kind = page.locator("select[name=kind]")
    if kind.count():
        kind.select_option(index=1 if kind.locator("option").first.get_attribute("value") == "" else 0)
    data.press("Do not call")
    data.step("a-number-that-is-not-called")

    rows = [
        known[0],
        (*known[1][:5], "尊享"),
        known[2],
        (f"{mark}-3", "=cmd()", phones[3], "佛山", 41, "基本"),
        (f"{mark}-4", "李四", phones[4], "佛山", 42, "基本"),
        (f"{mark}-5", "李四", phones[4], "佛山", 42, "基本"),
        (f"{mark}-6", "张三", "1.38E+10", "佛山", 43, "基本"),
        (f"{mark}-7", "赵六", phones[5], "不存在的城市", 44, "基本"),
    ]
    workbook = write(tmp_path / f"second-{mark}.xlsx", rows)
    upload(data, workbook, f"Second {mark}")
    data.step("being-checked")
    checked(data)
    counts = tally(data)
    data.step("verdicts")
    # The unknown city and the phone that lost its digits are invalid.
    assert counts == {
        "all": 8, "new": 2, "update": 1, "duppool": 1, "dupfile": 1, "stop": 1, "invalid": 2, "ask": 0, "plain": 0,
    }  # fmt: skip

    with page.expect_download() as coming:
        page.locator("form[action$='/rejects/'] button").click()
    sheet = openpyxl.load_workbook(data.saved(coming.value)).active
    rejected = [[str(cell or "") for cell in row] for row in sheet.iter_rows(values_only=True)]
    assert any("1.38E+10" in row for row in rejected)
    assert not any(cell.startswith("=") for row in rejected for cell in row)

    committed(data)
    data.step("committed")

    upload(data, workbook, f"Third {mark}")
    checked(data)
    data.step("the-same-file-again")
    again = tally(data)
    assert (again["new"], again["update"]) == (0, 0)

    data.menu("Lists")
    data.follow(f"Second {mark}")
    data.follow("Assign to a campaign")
    data.field("campaign").select_option(index=1)
    data.press("Assign")
    expect(page.get_by_role("cell", name=f"Second {mark}").first).to_be_visible()
    data.step("assigned")

    data.menu("Customers")
    data.step("customers")
    with page.expect_navigation():
        page.locator(".dt tbody tr").first.locator("td").nth(1).click()
    data.step("customer")
    for name in ("Sources", "Rules of contact", "Do not call", "Call import", "Jobs"):
        data.menu(name)
        data.step(name.lower().replace(" ", "-"))
