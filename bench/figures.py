"""One measured figure, its floor in the same run, and whether it keeps what was promised."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`value` in `unit`; `ratio` to the floor named in `floor`; `promise` in words; `is_kept` None when nothing was promised."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    floor: str = ""
    promise: str = ""
    is_kept: bool | None = None

    def line(self) -> str:
        ratio = f"{self.ratio:.2f} x {self.floor}" if self.ratio is not None else self.floor
        verdict = {None: "", True: "kept", False: "NOT KEPT"}[self.is_kept]
        return f"{self.name:<58} {self.value:>12,.2f} {self.unit:<10} {ratio:<42} {self.promise:<34} {verdict}".rstrip()
