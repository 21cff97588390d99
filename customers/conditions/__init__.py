"""Conditions on customers as data: a tree of groups over registered conditions, checked, said in words, compiled to a query.

    tree = parse(data, user=request.user)       # raises BadConditions: what is wrong, and where
    rows = matching(tree, at=at, user=request.user)

Higher floors register theirs on import: `register(Condition("called", ...))`.
"""

from customers.conditions import own  # noqa: F401  (registers what customers know of themselves)
from customers.conditions.matching import in_scope, matching
from customers.conditions.registry import Ask, Condition, Kind, all_conditions, find, register
from customers.conditions.tree import BadConditions, Fault, Group, Leaf, Tree, parse

__all__ = [
    "Ask",
    "BadConditions",
    "Condition",
    "Fault",
    "Group",
    "Kind",
    "Leaf",
    "Tree",
    "all_conditions",
    "find",
    "in_scope",
    "matching",
    "parse",
    "register",
]
