"""Reads for the pages of possible same persons and of merges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from core.templatetags.look import moment
from customers.models import Contact, Customer, CustomerTag, Merge, Phone, SamePerson
from people.models import User


def pairs_for_list(user: User) -> QuerySet[SamePerson]:
    """Pairs that the user sees, with what a row of the queue shows."""
    shown = Customer.objects.select_related("city").prefetch_related(
        Prefetch("phones", Phone.objects.filter(is_primary=True).defer("sealed", "blind_index"), to_attr="first_phones")
    )
    return (
        SamePerson.objects.visible_to(user)
        .select_related("decided_by")
        .prefetch_related(Prefetch("first", shown), Prefetch("second", shown))
    )


def merges_for_list(user: User) -> QuerySet[Merge]:
    return Merge.objects.visible_to(user).select_related("kept__city", "gone__city", "by", "undone_by", "pair")


@dataclass(frozen=True)
class Line:
    """One line of two customers side by side."""

    label: str
    first: Any
    second: Any

    @property
    def sign(self) -> str:
        """same, differs, or one where only one of the two has something."""
        if self.first == self.second:
            return "same"
        return "one" if _is_empty(self.first) or _is_empty(self.second) else "differs"


def _is_empty(value: Any) -> bool:
    return value in ("", None)


def side_by_side(first: Customer, second: Customer, *, at: datetime) -> list[Line]:
    """What the two hold, lines that both leave empty left out. Numbers are masked."""
    readers: list[tuple[str, Callable[[Customer], Any]]] = [
        (_("Name"), str),
        (_("City"), lambda row: row.city.label),
        (_("Numbers"), lambda row: _listed(row.phones.order_by("-is_primary", "pk").values_list("mask", flat=True))),
        (_("Type"), lambda row: row.get_type_display()),
        (_("Gender"), lambda row: row.get_gender_display()),
        (_("Age"), lambda row: row.age),
        (_("Source"), lambda row: row.source.name if row.source else ""),
        (_("Customer number"), lambda row: row.external_id),
        (_("Added"), lambda row: moment(row.created_at)),
        (_("Tags"), _tags),
        (_("Consents"), lambda row: _listed(dict.fromkeys(row.consents.in_force(at).order_by("given_at").values_list("basis", flat=True)))),
        (_("Do not call"), lambda row: _listed(dict.fromkeys(s.get_kind_display() for s in row.suppressions.in_force(at).order_by("pk")))),
        (_("Contacts"), lambda row: Contact.objects.filter(customer_id=row.pk, state=Contact.State.MADE).count() or ""),
        *((name, _attribute(name)) for name in dict.fromkeys([*first.attributes, *second.attributes])),
    ]  # fmt: skip
    lines = [Line(label, read(first), read(second)) for label, read in readers]
    return [line for line in lines if not (_is_empty(line.first) and _is_empty(line.second))]


def _attribute(name: str) -> Callable[[Customer], Any]:
    return lambda row: row.attributes.get(name, "")


def _tags(row: Customer) -> str:
    return _listed(CustomerTag.objects.filter(customer=row).order_by("tag__name").values_list("tag__name", flat=True))


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(str(value) for value in values)
