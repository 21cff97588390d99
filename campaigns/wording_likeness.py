"""Likeness in words: why a training was refused, what an attribute and its levels are called, what speaks for and against a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _, gettext_lazy

from campaigns.likeness import judging
from campaigns.likeness.design import MISSING, Table
from campaigns.likeness.fit import Weights
from campaigns.models import LikenessModel
from campaigns.services.likeness_data import ATTRIBUTE, TAG
from customers.models import Customer, Source
from people.models import City

OWN: dict[str, Any] = {
    "age": gettext_lazy("age"),
    "city": gettext_lazy("city"),
    "gender": gettext_lazy("gender"),
    "source": gettext_lazy("source"),
    "type": gettext_lazy("type"),
}
# a weight under this is not worth a word: the odds differ by less than a twentieth
LEAST_WEIGHT = 0.05
MOST_REASONS = 6


def refusal_sentence(model: LikenessModel) -> str:
    """Why the training was refused, and what would help; "" for a usable one."""
    within = model.report.get("within") or {}
    counts = {
        "rows": model.rows,
        "buyers": model.buyers,
        "least_rows": judging.LEAST_ROWS,
        "least_buyers": judging.LEAST_BUYERS,
        "auc": round(100 * within.get("auc", 0.5)),
        "low": round(100 * within.get("low", 0)),
        "high": round(100 * within.get("high", 1)),
    }
    return {
        "few_rows": _(
            "Only %(rows)s finished leads were reached; %(least_rows)s are needed. Train again later, or on all campaigns of the product."
        ),
        "few_buyers": _(
            "Only %(buyers)s of the finished leads bought; %(least_buyers)s buyers are needed. Train again later, or on all campaigns of the product."
        ),
        "nothing_known": _(
            "Nothing is known of these customers that tells them apart. Lists with more attributes would help."
        ),
        "no_later": _(
            "All these calls lie too close together: there are no later ones on which it could be judged. Train again after a few days of calls."
        ),
        "chance": _(
            "On later calls it was not better than chance: a buyer stood above somebody who did not buy %(auc)s times in 100, and the data fit anything from %(low)s to %(high)s."
        ),
    }.get(model.refusal, "") % counts


@dataclass(frozen=True)
class Level:
    """A level of an attribute in words, and what it adds to the log odds."""

    attribute: str
    value: str
    weight: float

    @property
    def speaks_for(self) -> bool:
        return self.weight > 0


class Words:
    """Names of attributes and levels of one model. Cities and sources are looked up once."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        own = {feature.name: feature.words for feature in weights.features}
        self.names: dict[str, dict[str, str]] = {
            "city": {str(c.pk): c.label for c in City.objects.filter(pk__in=own["city"])} if own.get("city") else {},
            "source": dict(_sources(own["source"])) if own.get("source") else {},
            "gender": {value: str(label) for value, label in Customer.Gender.choices},
            "type": {value: str(label) for value, label in Customer.Type.choices},
        }

    def attribute(self, name: str) -> str:
        if name.startswith(TAG):
            return _("tag %(name)s") % {"name": name.removeprefix(TAG)}
        return str(OWN.get(name, name.removeprefix(ATTRIBUTE)))

    def level(self, column: int, level: int) -> str:
        feature = self.weights.features[column]
        if level == MISSING:
            return _("no") if feature.name.startswith(TAG) else _("not known")
        if feature.is_number:
            return _bin(feature.edges, level)
        if level > len(feature.words):
            return _("others")
        word = feature.words[level - 1]
        return _("yes") if feature.name.startswith(TAG) else self.names.get(feature.name, {}).get(word, word)

    def told(self, column: int, level: int) -> Level:
        weight = float(self.weights.weights[column][level])
        return Level(self.attribute(self.weights.features[column].name), self.level(column, level), weight)


def _sources(keys: Iterable[str]) -> Iterable[tuple[str, str]]:
    return ((str(pk), name) for pk, name in Source.objects.filter(pk__in=keys).values_list("pk", "name"))


def _number(edge: float) -> str:
    return f"{edge:,.0f}" if edge == int(edge) else f"{edge:,.2f}"


def _bin(edges: tuple[float, ...], level: int) -> str:
    if level == 1:
        return _("up to %(high)s") % {"high": _number(edges[0])}
    if level > len(edges):
        return _("over %(low)s") % {"low": _number(edges[-1])}
    return _("over %(low)s, up to %(high)s") % {"low": _number(edges[level - 2]), "high": _number(edges[level - 1])}


def attributes_told(model: LikenessModel) -> list[tuple[str, list[Level], list[Level]]]:
    """Per attribute the levels that speak for buying and those against, the strongest first; the strongest attribute first."""
    weights = Weights.of_json(model.weights)
    words = Words(weights)
    rows = []
    for column, feature in enumerate(weights.features):
        levels = [words.told(column, level) for level in range(feature.size)]
        levels = sorted((one for one in levels if abs(one.weight) >= LEAST_WEIGHT), key=lambda one: -abs(one.weight))
        if levels:
            rows.append((words.attribute(feature.name), levels))
    rows.sort(key=lambda row: -abs(row[1][0].weight))
    return [
        (name, [one for one in levels if one.speaks_for], [one for one in levels if not one.speaks_for])
        for name, levels in rows
    ]


def reasons(model: LikenessModel, known: dict[str, Any]) -> list[Level]:
    """What places this person where they stand: the strongest levels, for and against."""
    weights = Weights.of_json(model.weights)
    words = Words(weights)
    table = Table([known], names=[feature.name for feature in weights.features])
    found = [
        words.told(column, int(feature.codes(table.columns[feature.name])[0]))
        for column, feature in enumerate(weights.features)
    ]
    strong = [one for one in found if abs(one.weight) >= LEAST_WEIGHT]
    return sorted(strong, key=lambda one: -abs(one.weight))[:MOST_REASONS]
