"""What an agent may see of a customer, on the desk and later beside the call: everything of a list's lead, and of a data request's lead only the fields that were named.

`fields` is {"name": "shown", "age": "masked", "attribute:ARPU": "shown"}. A masked value keeps its first character. Numbers are masked
for agents in any case and are no field here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from campaigns.models import Lead
from customers.models import Customer

SHOWN, MASKED = "shown", "masked"
WAYS = {SHOWN: _("shown"), MASKED: _("masked")}
COLUMNS = {
    "name": _("Name"),
    "gender": _("Gender"),
    "age": _("Age"),
    "type": _("Type"),
    "source": _("Source"),
    "tags": _("Tags"),
}
ATTRIBUTE = "attribute:"
LONGEST_NAME = 100


@dataclass(frozen=True)
class Seen:
    """A customer as the desk shows it; "" and empty where nothing may be seen."""

    name: str
    gender: str
    age: str
    type: str
    source: str
    tags: list[str]
    attributes: dict[str, Any]


def masked(value: Any) -> str:
    """The first character and two stars; nothing stays nothing."""
    text = str(value)
    return f"{text[0]}**" if text else ""


def known(fields: Any) -> bool:
    """Whether this is a form of `fields` that the desk understands."""
    return isinstance(fields, dict) and all(
        way in WAYS and (name in COLUMNS or _is_attribute(name)) for name, way in fields.items()
    )


def _is_attribute(name: Any) -> bool:
    named = name.removeprefix(ATTRIBUTE) if isinstance(name, str) else ""
    return named != name and 0 < len(named) <= LONGEST_NAME


def words(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """(field, shown or masked) in words: columns in their order, then attributes."""
    columns = [(str(label), str(WAYS[fields[name]])) for name, label in COLUMNS.items() if name in fields]
    own = sorted((name.removeprefix(ATTRIBUTE), way) for name, way in fields.items() if name.startswith(ATTRIBUTE))
    return columns + [(name.replace("_", " "), str(WAYS[way])) for name, way in own]


class Door:
    """Lets values of one lead through as the `fields` of its data request allow; without a request (None), all of them."""

    def __init__(self, fields: Mapping[str, str] | None) -> None:
        self.fields = fields

    def let(self, name: str, value: Any) -> Any:
        """The value, its mask, or "" when the field is not named."""
        if self.fields is None or value in (None, "", []):
            return value
        way = self.fields.get(name)
        if way == SHOWN:
            return value
        return masked(value) if way == MASKED else ""

    def attributes(self, found: Mapping[str, Any] | None) -> dict[str, Any]:
        passed = {name: self.let(ATTRIBUTE + str(name), value) for name, value in (found or {}).items()}
        return {name: value for name, value in passed.items() if value not in (None, "", [])}


def door_of(lead: Lead) -> Door:
    return Door(lead.data_request.fields if lead.data_request else None)


def name_of(lead: Lead) -> str:
    """How boards call the customer of a lead: by the number of the row when the name may not be seen."""
    return name_behind(door_of(lead), lead.customer)


def name_behind(door: Door, customer: Customer) -> str:
    return str(door.let("name", str(customer)) or f"#{customer.pk}")


def seen(lead: Lead) -> Seen:
    """The customer of the lead, as its agent may see it."""
    door, customer = door_of(lead), lead.customer
    tags = [str(link.tag) for link in customer.tags.select_related("tag")]
    return Seen(
        name=str(door.let("name", customer.name) or ""),
        gender=str(door.let("gender", customer.get_gender_display() if customer.gender else "")),
        age=str(door.let("age", customer.age or "")),
        type=str(door.let("type", customer.get_type_display() if customer.type else "")),
        source=str(door.let("source", str(lead.source or ""))),
        tags=[tag for tag in (door.let("tags", tag) for tag in tags) if tag],
        attributes=door.attributes(customer.attributes),
    )
