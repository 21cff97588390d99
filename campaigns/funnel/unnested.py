"""Rows of Python as rows within a statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

# (type, a value for each row) by name
Columns = dict[str, tuple[str, list[Any]]]
Caps = Sequence[tuple[int, timedelta]]


def unnested(name: str, columns: Columns, caps: Sequence[Caps], asked: dict[str, Any]) -> tuple[str, list[str]]:
    """The rows as what is read from under this name, and for each cap the expression of the moment until which a person `p` has reached it.
    The values go into `asked`. Each cap stands in columns of its own, so that no lead unnests them."""
    whole, most_caps = dict(columns), max(map(len, caps))
    for n in range(most_caps):
        of_rows = [row[n] if n < len(row) else (None, None) for row in caps]
        whole[f"most_{n}"] = ("int", [most for most, _window in of_rows])
        whole[f"window_{n}"] = ("interval", [window for _most, window in of_rows])
    asked |= {f"{name}_{column}": values for column, (_type, values) in whole.items()}
    arrays = ", ".join(f"%({name}_{column})s::{type_}[]" for column, (type_, _values) in whole.items())
    reached = [f"p.attempts[{name}.most_{n}] + {name}.window_{n}" for n in range(most_caps)]
    return f"unnest({arrays}) {name}({', '.join(whole)})", reached
