"""From what is known of persons to numbers: every attribute is a set of levels, of which a person has exactly one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# A value becomes a level of its own when this many persons have it, and this share of all; the rest are one level together.
SMALLEST_COUNT = 20
SMALLEST_SHARE = 0.002
# An attribute that fewer persons have than this share is left out; so are all beyond the most common ones.
SMALLEST_FILLED = 0.01
MOST_FEATURES = 60
BINS = 8
# Words become numbers when nearly all of them read as such and they are more than a handful.
NUMERIC_SHARE = 0.95
NUMERIC_VALUES = 10

MISSING = 0
Person = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One attribute of many persons, its texts told apart once: the row's text is `texts[places[row]]`, "" when not known."""

    texts: tuple[str, ...]
    places: np.ndarray
    # of each text, NaN when it is no number
    numbers: np.ndarray

    @classmethod
    def of(cls, values: Sequence[Any]) -> Column:
        known: dict[str, int] = {"": 0}
        places = np.fromiter((known.setdefault(as_text(value), len(known)) for value in values), dtype=np.int32)
        return cls(tuple(known), places, np.array([as_number(text) for text in known], dtype=float))


class Table:
    """What is known of persons, by attribute."""

    def __init__(self, people: Sequence[Person], *, names: Sequence[str] | None = None) -> None:
        self.rows = len(people)
        names = _common_names(people) if names is None else names
        self.columns = {name: Column.of([person.get(name) for person in people]) for name in names}


def _common_names(people: Sequence[Person]) -> list[str]:
    filled = Counter(name for person in people for name, value in person.items() if as_text(value))
    least = max(1, round(SMALLEST_FILLED * len(people)))
    return sorted(name for name, count in filled.most_common(MOST_FEATURES) if count >= least)


@dataclass(frozen=True)
class Feature:
    """One attribute. Level 0: not known; then the words, and last all other words; or the bins between `edges`, low to high."""

    name: str
    words: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()

    @property
    def is_number(self) -> bool:
        return not self.words

    @property
    def size(self) -> int:
        """How many levels: not known, the words and the others, or not known and the bins."""
        return len(self.words) + 2 if self.words else len(self.edges) + 2

    def codes(self, column: Column) -> np.ndarray:
        """The level of each row."""
        if self.is_number:
            known = ~np.isnan(column.numbers)
            # a value on the edge lies below it
            bins = np.searchsorted(np.array(self.edges), np.where(known, column.numbers, 0.0), side="left") + 1
            return np.where(known, bins, MISSING)[column.places]
        place = {word: level for level, word in enumerate(self.words, start=1)}
        others = len(self.words) + 1
        levels = [place.get(text, others) if text else MISSING for text in column.texts]
        return np.array(levels, dtype=np.int64)[column.places]

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "words": list(self.words), "edges": list(self.edges)}

    @classmethod
    def of_json(cls, told: dict[str, Any]) -> Feature:
        return cls(told["name"], tuple(told["words"]), tuple(told["edges"]))


def as_text(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value).strip()[:120]


def as_number(text: str) -> float:
    """The number that a text is, or NaN."""
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return float("nan")
    return number if np.isfinite(number) else float("nan")


def find_features(table: Table, rows: np.ndarray) -> list[Feature]:
    """The attributes that say something about these rows, by name: learned from them alone."""
    found = (_feature(name, column, rows) for name, column in table.columns.items())
    return [feature for feature in found if feature is not None]


def _feature(name: str, column: Column, rows: np.ndarray) -> Feature | None:
    places = column.places[rows]
    counts = np.bincount(places, minlength=len(column.texts))
    filled = len(places) - counts[0]
    if filled < max(1, SMALLEST_FILLED * len(places)):
        return None
    numbers = column.numbers[places]
    numbers = numbers[~np.isnan(numbers)]
    if np.count_nonzero(counts[1:]) > NUMERIC_VALUES and len(numbers) >= NUMERIC_SHARE * filled:
        quantiles = np.quantile(numbers, np.arange(1, BINS) / BINS, method="lower")
        # the highest value is no edge: nobody would lie above it
        edges = tuple(float(edge) for edge in np.unique(quantiles) if edge < numbers.max())
        return Feature(name, edges=edges) if edges else None
    least = max(SMALLEST_COUNT, SMALLEST_SHARE * len(places))
    often = np.flatnonzero(counts[1:] >= least) + 1
    # one word that everybody has tells nobody apart
    is_constant = len(often) == 1 and counts[often[0]] == len(places)
    words = tuple(sorted(column.texts[place] for place in often))
    return Feature(name, words=words) if words and not is_constant else None


def code_matrix(features: Sequence[Feature], table: Table) -> np.ndarray:
    """One row per person, one column per feature: the level."""
    if not features:
        return np.zeros((table.rows, 0), dtype=np.int64)
    return np.column_stack([feature.codes(table.columns[feature.name]) for feature in features])
