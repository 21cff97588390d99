"""The builder of conditions: a form posts its parts by path, a button changes the tree, and the tree is drawn again.

Works without a script: each button posts the whole form. Names of fields: `g:0-1` kind of a group, `k:0-1` condition, `o:` operator,
`v:` value or values, `w:` second number, `n:` name of an attribute, `x:0-1:campaign` a narrowing, `was:` the condition when it was drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _, gettext_lazy

from core.templatetags.look import day, thousands
from customers.conditions.registry import Condition, Takes, all_conditions, find
from customers.conditions.tree import DEEPEST, MOST_CONDITIONS, VERSION, Fault, Group, Leaf, Tree
from customers.reading.headings import attribute_name
from people.models import User

Node = dict[str, Any]
GROUP_WORDS = [
    ("and", gettext_lazy("all of these")),
    ("or", gettext_lazy("at least one of these")),
    ("not", gettext_lazy("none of these")),
]
NEW_LEAF = "type"
# more choices than this are a list to choose from instead of boxes to tick
BOXES = 12
BETWEEN = re.compile(r"[,;，；、\n]")
PATH = re.compile(r"[gk]:(0(?:-\d{1,2}){0,5})")
MOST_NODES = 2 * MOST_CONDITIONS


def new_draft() -> Node:
    return {"version": VERSION, "root": {"group": "and", "parts": [_new_leaf()]}}


def _new_leaf() -> Node:
    return {"is": NEW_LEAF, "op": "one_of", "value": []}


# ---------------------------------------------------------------- from the form


def draft_of(post: QueryDict) -> Node:
    """The tree as it stands in the form, whether it makes sense or not."""
    paths = {found[1] for name in post if (found := PATH.fullmatch(name))}
    if "0" not in paths or len(paths) > MOST_NODES:
        return new_draft()
    root = _node(post, paths, "0")
    return {"version": VERSION, "root": root if "group" in root else {"group": "and", "parts": [root]}}


def _node(post: QueryDict, paths: set[str], path: str) -> Node:
    if f"g:{path}" not in post:
        return _leaf(post, path)
    depth = path.count("-") + 1
    parts = sorted(
        (other for other in paths if other.startswith(f"{path}-") and other.count("-") == depth),
        key=lambda other: int(other.rsplit("-", 1)[1]),
    )
    return {"group": post[f"g:{path}"], "parts": [_node(post, paths, part) for part in parts]}


def _leaf(post: QueryDict, path: str) -> Node:
    key = post[f"k:{path}"]
    condition = find(key)
    if condition is None:
        return {"is": key, "op": ""}
    is_other = post.get(f"was:{path}", key) != key
    op = post.get(f"o:{path}", "")
    if is_other or op not in condition.operators:
        op = next(iter(condition.operators))
    leaf: Node = {"is": key, "op": op}
    if not is_other:
        leaf |= {"value": _value(post, path, condition.operators[op].takes), "name": post.get(f"n:{path}", "")}
        leaf["where"] = {name: chosen for name in condition.narrowings if (chosen := post.getlist(f"x:{path}:{name}"))}
    return leaf


def _value(post: QueryDict, path: str, takes: Takes) -> Any:
    values = post.getlist(f"v:{path}")
    first = values[0] if values else ""
    match takes:
        case Takes.NOTHING:
            return None
        case Takes.CHOICES:
            return values
        case Takes.TWO_NUMBERS:
            return [first, post.get(f"w:{path}", "")]
        case Takes.WORDS:
            return [word.strip() for word in BETWEEN.split(first) if word.strip()]
    return first


# ---------------------------------------------------------------- what the buttons do


def changed(draft: Node, do: str) -> Node:
    """The tree after a button: "add:0", "group:0-1", "remove:0-1-2". Anything else leaves it as it is."""
    verb, _colon, path = do.partition(":")
    node = _at(draft, path) if verb in ("add", "group", "remove") else None
    if node is None:
        return draft
    if verb == "remove":
        parent = _at(draft, path.rpartition("-")[0])
        if parent is not None:
            parent["parts"].pop(int(path.rpartition("-")[2]))
    elif "group" in node:
        node["parts"].append(_new_leaf() if verb == "add" else {"group": "or", "parts": [_new_leaf()]})
    return draft


def _at(draft: Node, path: str) -> Node | None:
    node = draft["root"]
    if not re.fullmatch(r"0(?:-\d{1,2})*", path):
        return None
    for place in path.split("-")[1:]:
        parts = node.get("parts", [])
        if int(place) >= len(parts):
            return None
        node = parts[int(place)]
    return node


# ---------------------------------------------------------------- as it is drawn


@dataclass(frozen=True)
class Choice:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class More:
    """A narrowing of a history condition."""

    field: str
    label: Any
    choices: list[Choice]

    @property
    def is_set(self) -> bool:
        return any(choice.chosen for choice in self.choices)


@dataclass(frozen=True)
class Drawn:
    """A node of the builder. A group has parts, a condition has the rest."""

    path: str
    place: str
    fault: str
    group: str = ""
    groups: list[Choice] = field(default_factory=list)
    parts: list[Drawn] = field(default_factory=list)
    may_nest: bool = False
    key: str = ""
    label: Any = ""
    conditions: list[tuple[str, list[Choice]]] = field(default_factory=list)
    operators: list[Choice] = field(default_factory=list)
    takes: str = ""
    values: list[str] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    takes_name: bool = False
    name: str = ""
    more: list[More] = field(default_factory=list)

    @property
    def text(self) -> str:
        return ", ".join(self.values)

    @property
    def second(self) -> str:
        return self.values[1] if len(self.values) > 1 else ""

    @property
    def first(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def as_boxes(self) -> bool:
        return len(self.choices) <= BOXES

    @property
    def is_root(self) -> bool:
        return self.path == "0"


class Drawing:
    """Draws a draft for one user; choices are read once a condition."""

    def __init__(self, user: User | None, faults: list[Fault] | None = None) -> None:
        self.user = user
        self.faults = {fault.path: fault.sentence for fault in faults or []}
        self._choices: dict[tuple[str, str], list[tuple[str, str]]] = {}

    def draw(self, draft: Node) -> Drawn:
        return self._node(draft["root"], "0")

    def _node(self, node: Node, path: str) -> Drawn:
        head = {"path": path, "place": Fault(path, "").place, "fault": self.faults.get(path, "")}
        if "group" in node:
            parts = [self._node(part, f"{path}-{place}") for place, part in enumerate(node["parts"])]
            groups = [Choice(op, str(words), op == node["group"]) for op, words in GROUP_WORDS]
            # the deepest group has parts, but no groups
            return Drawn(
                **head, group=node["group"], groups=groups, parts=parts, may_nest=path.count("-") < DEEPEST - 1
            )
        return self._leaf(node, head)

    def _leaf(self, node: Node, head: dict[str, Any]) -> Drawn:
        condition = find(node.get("is"))
        conditions = _menu(condition)
        if condition is None:
            return Drawn(**head, conditions=conditions)
        operators = [Choice(op, str(what.label), op == node.get("op")) for op, what in condition.operators.items()]
        operator = condition.operators.get(node.get("op", ""))
        values = _texts(node.get("value"))
        where = node.get("where") or {}
        return Drawn(
            **head,
            key=condition.key,
            label=condition.label,
            conditions=conditions,
            operators=operators,
            takes=operator.takes if operator else "",
            values=values,
            choices=self.choices(condition, "", condition.choices, values) if condition.choices else [],
            takes_name=condition.kind == "attribute",
            name=str(node.get("name") or ""),
            more=[
                More(
                    f"x:{head['path']}:{name}",
                    what.label,
                    self.choices(condition, name, what.choices, _texts(where.get(name))),
                )
                for name, what in condition.narrowings.items()
            ],
        )

    def choices(self, condition: Condition, of: str, choices: Any, chosen: list[str]) -> list[Choice]:
        known = self._choices.get((condition.key, of))
        if known is None:
            known = self._choices[condition.key, of] = choices(self.user)
        return [Choice(value, label, value in chosen) for value, label in known]


def _menu(current: Condition | None) -> list[tuple[str, list[Choice]]]:
    """Conditions under the heads of their groups."""
    found: dict[str, list[Choice]] = {}
    for condition in all_conditions():
        one = Choice(condition.key, str(condition.label), current is not None and condition.key == current.key)
        found.setdefault(str(condition.group), []).append(one)
    return list(found.items())


def _texts(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


# ---------------------------------------------------------------- in words


@dataclass(frozen=True)
class Said:
    """A group and its parts in words, or one condition."""

    words: str
    parts: list[Said] = field(default_factory=list)


def in_words(tree: Tree, user: User | None = None) -> Said:
    return _said(tree.root, Drawing(user))


def _said(node: Group | Leaf, drawing: Drawing) -> Said:
    if isinstance(node, Leaf):
        return Said(leaf_words(node, drawing))
    return Said(str(dict(GROUP_WORDS)[node.op]), [_said(part, drawing) for part in node.parts])


def leaf_words(leaf: Leaf, drawing: Drawing) -> str:
    """ "Age is at least 30"; what is not known any more is said so."""
    condition = find(leaf.key)
    if condition is None:
        return _("a condition that is not known any more")
    operator = condition.operators[leaf.op]
    value = _value_words(leaf, condition, operator.takes, drawing)
    what = leaf.name or condition.label
    compared = operator.words % {"value": value} if operator.words else f"{operator.label} {value}".strip()
    narrowed = [
        f"{condition.narrowings[name].label} {_labels(drawing, condition, name, chosen)}"
        for name, chosen in leaf.where.items()
    ]
    return ", ".join([f"{what} {compared}", *narrowed])


def _value_words(leaf: Leaf, condition: Condition, takes: Takes, drawing: Drawing) -> str:
    match takes:
        case Takes.NOTHING:
            return ""
        case Takes.CHOICES:
            return _labels(drawing, condition, "", leaf.value)
        case Takes.TWO_NUMBERS:
            return _("%(low)s and %(high)s") % {"low": _figure(leaf.value[0]), "high": _figure(leaf.value[1])}
        case Takes.DAY:
            return day(date.fromisoformat(leaf.value))
        case Takes.NUMBER | Takes.DAYS:
            return _figure(leaf.value)
        case Takes.WORDS:
            return ", ".join(leaf.value)
    return str(leaf.value)


def _figure(value: float) -> str:
    return thousands(value) if isinstance(value, int) else str(value)


def _labels(drawing: Drawing, condition: Condition, of: str, chosen: list[str]) -> str:
    choices = condition.narrowings[of].choices if of else condition.choices
    known = {one.value: one.label for one in drawing.choices(condition, of, choices, chosen)}
    return ", ".join(known.get(value, "?") for value in chosen)


def attribute_names(mappings: Iterator[dict[str, Any]]) -> list[str]:
    """Headings that lists brought as attributes, for the field that asks for one."""
    found = {
        attribute_name(column)
        for mapping in mappings
        for column in mapping.get("columns", [])
        if column.get("field") == "attribute" and column.get("heading")
    }
    return sorted(found)[:200]
