"""From a checked tree to a query: always cut to what somebody may see."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from customers.conditions.registry import Ask, find
from customers.conditions.tree import BadConditions, Group, Leaf, Tree, unknown_condition
from customers.models import Customer
from people.models import User


def in_scope(*, city_id: int | None, user: User | None = None) -> QuerySet[Customer]:
    """Customers of a segment's city, or of the region, as far as `user` sees them; None only in a job, for the segment itself."""
    rows = Customer.objects.all() if user is None else Customer.objects.visible_to(user)
    rows = rows.filter(merged_into=None)
    return rows if city_id is None else rows.filter(city=city_id)


def matching(tree: Tree, *, at: datetime, city_id: int | None = None, user: User | None = None) -> QuerySet[Customer]:
    """Customers that meet the conditions at `at`. Raises BadConditions when a condition is no longer known."""
    return in_scope(city_id=city_id, user=user).filter(as_q(tree.root, at=at))


def as_q(node: Group | Leaf, *, at: datetime) -> Q:
    if isinstance(node, Leaf):
        return _leaf(node, at)
    parts = [as_q(part, at=at) for part in node.parts]
    found = Q()
    for part in parts:
        found = found & part if node.op == "and" else found | part
    # a group "not" is met by whoever meets none of its parts
    return ~found if node.op == "not" else found


def _leaf(leaf: Leaf, at: datetime) -> Q:
    condition = find(leaf.key)
    if condition is None:
        raise BadConditions([unknown_condition(leaf.path)])
    return condition.compile(Ask(op=leaf.op, value=leaf.value, name=leaf.name, where=leaf.where, at=at))
