"""Columns of numbers about persons: what is kept of a million leads in some megabytes, compared and changed in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[Any]]
# How wide the columns are. The last of them are moments, and mostly unlike.
WIDTH = {"person": np.int64, "kind": np.int32, "ended": np.int32, "free": np.int64, "due": np.int64, "until": np.int64}
NARROWED = {"person", "kind", "ended"}


@dataclass(frozen=True)
class Table:
    """The rows stand in the order of their persons, each of whom has one at most."""

    columns: dict[str, Numbers]

    @classmethod
    def of(cls, groups: Sequence[dict[str, Any]], *names: str) -> Table:
        """Of each group its columns, or one number for all of it."""
        whole = {}
        for name in names:
            parts = [np.broadcast_to(group[name], group["person"].shape) for group in groups]
            whole[name] = np.concatenate([np.empty(0, WIDTH[name]), *parts], dtype=WIDTH[name], casting="same_kind")
        order = np.argsort(whole["person"])
        return cls({name: column[order] for name, column in whole.items()})

    def __getitem__(self, name: str) -> Numbers:
        return self.columns[name]

    def __len__(self) -> int:
        return len(self["person"])

    def with_anew(self, persons: Numbers, fresh: Table) -> Table:
        """These persons' rows are those that are fresh, and no others."""
        gone = places_of(persons, self["person"])
        if np.array_equal(self["person"][gone], fresh["person"]):  # as almost always, and nothing moves
            return Table({name: _put(column, gone, fresh[name]) for name, column in self.columns.items()})
        stay = {name: np.delete(column, gone) for name, column in self.columns.items()}
        at = np.searchsorted(stay["person"], fresh["person"])
        return Table({name: np.insert(column, at, fresh[name]) for name, column in stay.items()})

    def unlike(self, other: Table, name: str) -> Numbers:
        """Persons who have a row in one alone, or another number in this column."""
        ours, theirs = places_of(other["person"], self["person"]), places_of(self["person"], other["person"])
        differs = self[name][ours] != other[name][theirs]
        alone = np.setxor1d(self["person"], other["person"], assume_unique=True)
        return np.concatenate([alone, self["person"][ours][differs]])

    def __getstate__(self) -> dict[str, Any]:
        """As it is sent to the cache: the first person, of the others the steps from one to the next; and nothing wider than need be."""
        first = int(self["person"][0]) if len(self) else 0
        sent = {**self.columns, "person": np.diff(self["person"], prepend=first)}
        for name in NARROWED & sent.keys():
            sent[name] = sent[name].astype(np.min_scalar_type(sent[name].max(initial=0)))
        return {"first": first, "sent": sent}

    def __setstate__(self, state: dict[str, Any]) -> None:
        columns = {name: column.astype(WIDTH[name]) for name, column in state["sent"].items()}
        columns["person"] = np.cumsum(columns["person"]) + state["first"]
        object.__setattr__(self, "columns", columns)


def _put(column: Numbers, at: Numbers, values: Numbers) -> Numbers:
    """The column with other values there; itself when they are no others."""
    if np.array_equal(column[at], values):
        return column
    found = column.copy()
    found[at] = values
    return found


def places_of(some: Numbers, persons: Numbers) -> Numbers:
    """Where those of some who are among the persons stand there; both in order."""
    at = np.searchsorted(persons, some)
    some, at = some[at < len(persons)], at[at < len(persons)]
    return at[persons[at] == some]


def numbers(sent: Any) -> Numbers:
    """Of bytes as the database sends numbers and moments of eight bytes; None: none."""
    return np.frombuffer(sent or b"", dtype=">i8").astype(np.int64)
