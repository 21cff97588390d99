"""A wrap-up as files that leave the house: a document that Word opens, and a workbook with a chart and the definitions."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import IO

from django.utils.html import format_html, format_html_join, linebreaks
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext as _

from core.templatetags.look import moment
from core.workbooks import Column, Workbook
from metrics import registry
from metrics.export import unit_label
from qa.models import WrapUp
from qa.wrap_up_page import Cell, Section, rate_head, rates_of, sections

PICTURES = {0: "#,##0", 1: "0.0", 2: "0.00"}
# inside the file, since it is read where no style sheet of the house is
CSS = """
@page { size: A4 landscape; margin: 15mm; }
body { font: 10.5pt/1.45 "Calibri", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; color: #1d262d; max-width: 270mm; margin: 8mm auto; }
h1 { font-size: 18pt; margin: 0 0 2mm; } h2 { font-size: 13pt; margin: 7mm 0 2mm; page-break-after: avoid; }
table { border-collapse: collapse; width: 100%; } thead { display: table-header-group; } tr { page-break-inside: avoid; }
th, td { border: 0.5pt solid #b9c2c9; padding: 1.2mm 2mm; text-align: left; vertical-align: top; } th { background: #eef2f4; }
.num { text-align: right; font-variant-numeric: tabular-nums; } .meta { color: #5b6670; font-size: 9pt; } .draft { color: #a12727; font-weight: bold; }
@media print { body { margin: 0; max-width: none; } }
"""


def state_words(row: WrapUp) -> str:
    if row.finished_at is None:
        return _("Draft of %(when)s: figures may still change.") % {"when": moment(row.made_at)}
    return _("Finished %(when)s by %(who)s; frozen since.") % {"when": moment(row.finished_at), "who": row.finished_by}


# ---------------------------------------------------------------- document


def document(row: WrapUp) -> str:
    """The whole report as one HTML file without scripts and links: programs for texts open it, browsers print it."""
    title = _("Wrap-up: %(campaign)s") % {"campaign": row.content["campaign"]["name"]}
    body = format_html(
        '<h1>{}</h1>\n<p class="{}">{}</p>\n{}{}\n<p class="meta">{} {}</p>',
        title,
        "meta" if row.is_finished else "draft",
        state_words(row),
        _words(row),
        mark_safe("\n".join(_table(section) for section in sections(row))),
        _("Digest (sha256):"),
        row.digest,
    )
    return format_html(
        '<!DOCTYPE html>\n<html lang="{}">\n<head><meta charset="utf-8"><title>{}</title><style>{}</style></head>\n<body>\n{}\n</body>\n</html>\n',
        get_language() or "en",
        title,
        mark_safe(CSS),
        body,
    )


def _words(row: WrapUp) -> SafeString:
    told = [(_("What to keep"), row.keep), (_("What to change"), row.change)]
    return format_html_join("\n", "<h2>{}</h2>{}", ((title, _paragraphs(text)) for title, text in told if text))


def _paragraphs(text: str) -> SafeString:
    return mark_safe(linebreaks(text, autoescape=True))


def _table(section: Section) -> SafeString:
    note = format_html('<p class="meta">{}</p>', section.note) if section.note else ""
    if not section.rows:
        return format_html("<h2>{}</h2>{}<p>{}</p>", section.title, note, section.empty)
    heads = _cells("th", ((head, is_number) for head, is_number in section.columns))
    lines = [
        _cells("td", ((cell.shown, index in section.numbers) for index, cell in enumerate(row))) for row in section.rows
    ]
    return format_html(
        "<h2>{}</h2>{}<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>",
        section.title,
        note,
        heads,
        format_html_join("\n", "<tr>{}</tr>", ((line,) for line in lines)),
    )


def _cells(tag: str, cells: Iterable[tuple[str, bool]]) -> SafeString:
    return format_html_join(
        "", "<{}{}>{}</{}>", ((tag, mark_safe(' class="num"') if is_number else "", text, tag) for text, is_number in cells)
    )  # fmt: skip


# ---------------------------------------------------------------- workbook


def workbook(row: WrapUp) -> IO[bytes]:
    """The report as .xlsx, open for reading: a sheet for each table, a chart of the teams, the words, and the definitions."""
    target = io.BytesIO()
    with Workbook(target) as book:
        for section in sections(row):
            sheet = book.sheet(section.title, _columns(section), map(_values, section.rows), notes=_notes(row, section))
            if section.code in ("city", "team") and section.rows:
                _chart(book, sheet, section, row, first=len(_notes(row, section)) + 1)
        words = [[_("What to keep"), row.keep], [_("What to change"), row.change]]
        book.sheet(_("What was learnt"), [Column(_("Words"), 22), Column(_("Text"), 110)], words)
        book.sheet(_("Definitions"), _definition_heads(), _definitions(row))
    target.seek(0)
    return target


def _notes(row: WrapUp, section: Section) -> list[str]:
    told = [state_words(row), _("Digest (sha256):") + " " + row.digest] if section.code == "plan" else []
    return [*told, *([section.note] if section.note else [])]


def _columns(section: Section) -> list[Column]:
    """Numbers of a column have its places, unless lines of different kind stand in it."""
    found = []
    for index, head in enumerate(section.heads):
        places = {cells[index].places for cells in section.rows if cells[index].is_number}
        picture = PICTURES.get(places.pop(), "0.00") if len(places) == 1 else ""
        found.append(Column(head, 14 if index in section.numbers else 34, picture))
    return found


def _values(cells: list[Cell]) -> list[str | float | None]:
    return [cell.value for cell in cells]


def _chart(book: Workbook, sheet: object, section: Section, row: WrapUp, *, first: int) -> None:
    """Success and final success of each place, beside each other."""
    last = first + len(section.rows) - 1
    chart = book.book.add_chart({"type": "bar"})
    for key, colour in (("success_rate", "#0f6b78"), ("final_success_rate", "#8a949c")):
        indicator = next((found for found in rates_of(row.content) if found.key == key), None)
        if indicator is None:
            continue
        column = section.heads.index(rate_head(indicator))
        chart.add_series({
            "name": str(indicator.label), "categories": [sheet.get_name(), first, 0, last, 0],  # type: ignore[attr-defined]
            "values": [sheet.get_name(), first, column, last, column], "fill": {"color": colour},  # type: ignore[attr-defined]
        })  # fmt: skip
    chart.set_title({"name": _("Success rate, percent"), "overlay": False})
    chart.set_x_axis({"num_format": "0.0", "major_gridlines": {"visible": True, "line": {"color": "#d9dee2"}}})
    chart.set_y_axis({"reverse": True})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 760, "height": min(1200, 160 + 34 * len(section.rows))})
    sheet.insert_chart(last + 3, 0, chart)  # type: ignore[attr-defined]


def _definition_heads() -> list[Column]:
    titles = [(_("Name"), 28), (_("Formula"), 46), (_("What it tells"), 60), (_("Falls into the period by"), 22), (_("Unit"), 12),
              (_("Matures after days"), 12), (_("Version"), 9), (_("Version when frozen"), 12)]  # fmt: skip
    return [Column(title, width) for title, width in titles]


def _definitions(row: WrapUp) -> list[list[str | int]]:
    """As they are now; a figure that was frozen by an earlier version says so."""
    kept = row.content["definitions"]
    rates: list[registry.Indicator] = rates_of(row.content)
    return [
        [str(found.label), str(found.formula), str(found.tells), str(found.hangs_on), unit_label(found.unit), found.matures_days,
         found.version, kept[found.key]]
        for found in rates
    ]  # fmt: skip
