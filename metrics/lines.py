"""A sheet of Excel that takes whole lines of words and numbers.

XlsxWriter makes an object, a list of attributes and several calls of every cell; in a long file that is most of the time. Here a line
is one string. A test holds it against XlsxWriter's own cells, byte by byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from xlsxwriter.utility import _preserve_whitespace, xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from core.workbooks import CELL_CHARACTERS, inert


class LineSheet(Worksheet):  # type: ignore[misc]
    """For `add_worksheet(..., worksheet_class=LineSheet)` of a workbook in constant memory."""

    def write_line(self, row: int, words: Sequence[str], numbers: Sequence[float | None]) -> None:
        """The next line: words, which are never formulas, then numbers in the formats of their columns; None leaves a cell empty."""
        if row != self.previous_row or self.table:
            self._begin(row, len(words) + len(numbers))
        number = row + 1
        parts = [f'<row r="{number}">']
        parts += [f"{start}{number}{self._word(word)}" for start, word in zip(self._starts, words, strict=False)]
        parts += [
            f"{start}{number}{style}{value:.16G}</v></c>"
            for (start, style), value in zip(self._columns[len(words) :], numbers, strict=True)
            if value is not None
        ]
        parts.append("</row>")
        self.fh.write("".join(parts))

    def _begin(self, row: int, width: int) -> None:
        """What XlsxWriter does before the first cell of a line: write the one before, keep the dimensions."""
        self._write_single_row(row)
        self._check_dimensions(row, width - 1)
        if len(getattr(self, "_columns", ())) != width:
            self._check_dimensions(row, 0)
            self._columns = [(f'<c r="{xl_col_to_name(col)}', f'"{self._style(col)}><v>') for col in range(width)]
            self._starts = [start for start, _style in self._columns]
            self._word = lru_cache(maxsize=10_000)(self._word_cell)

    def _style(self, col: int) -> str:
        found = self.col_info[col].column_format if col in self.col_info else None
        return f' s="{found._get_xf_index()}"' if found is not None else ""

    def _word_cell(self, word: str) -> str:
        """The cell of a word after its place; periods and names come again and again."""
        text = self._escape_control_characters(inert(word)[:CELL_CHARACTERS])
        kept: Any = ' xml:space="preserve"' if _preserve_whitespace(text) else ""
        return f'" t="inlineStr"><is><t{kept}>{self._escape_data(text)}</t></is></c>'
