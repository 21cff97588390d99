"""A file that cannot be taken. Faults are words; their sentences stand in customers.wording."""

from __future__ import annotations

from typing import Any


class FileFault(Exception):
    """The whole file is refused: `code` says why, `detail` what was seen (never personal data)."""

    def __init__(self, code: str, **detail: Any) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
