"""The rule packs that ship, and a new, empty one. Rules are written by customers.services.rule_changes alone."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _, gettext_noop

from core.audit import audit
from core.errors import DomainError
from customers.models import ContactRule, RulePack
from people.models import User

DEFAULT_PACK = "CN-GEN"

# Rules that ship hold from here, so that imported history is judged by them as well.
FIRST_DAY = date(2000, 1, 1)

EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
MONDAY_TO_FRIDAY = [1, 2, 3, 4, 5]


def _hours(opens: str, closes: str, days: list[int] = EVERY_DAY) -> dict[str, Any]:
    return {"days": list(days), "opens": opens, "closes": closes}


PRODUCT = gettext_noop("product default")
BUDGET: list[tuple[str, dict[str, Any], str, str]] = [
    ("cap", {"most": 2, "hours": 24}, "block", PRODUCT),
    ("cap", {"most": 6, "hours": 168}, "block", PRODUCT),
    ("cap", {"most": 12, "hours": 720}, "block", PRODUCT),
    ("gap", {"minutes": 120}, "block", PRODUCT),
    ("answered_per_day", {"most": 1}, "block", PRODUCT),
    ("refusal_rest", {"days": 90}, "block", PRODUCT),
]
# code: (name, only with the simulated telephone, rules as (key, value, severity, basis))
SHIPPED: dict[str, tuple[str, bool, list[tuple[str, dict[str, Any], str, str]]]] = {
    DEFAULT_PACK: (
        gettext_noop("China, general"),
        False,
        [
            ("hours", _hours("09:00", "20:00"), "block", PRODUCT),
            ("hours", _hours("09:00", "12:00"), "warn", gettext_noop("MIIT 2020, avoid rest hours")),
            ("hours", _hours("14:00", "20:00"), "warn", gettext_noop("MIIT 2020, avoid rest hours")),
            *BUDGET,
            ("consent", {"needed": True}, "block", gettext_noop("State Council decree 778, art. 24")),
        ],
    ),
    "CN-INS": (
        gettext_noop("China, insurance"),
        False,
        [("hours", _hours("09:00", "21:00"), "block", gettext_noop("CIRC 2013, never 21:00 to 09:00")), *BUDGET],
    ),
    "US": (
        gettext_noop("United States"),
        False,
        [("hours", _hours("08:00", "21:00"), "block", "16 CFR 310.4(c)"), *BUDGET],
    ),
    "US-FL": (
        gettext_noop("Florida"),
        False,
        [
            ("hours", _hours("08:00", "20:00"), "block", "Fla. Stat. 501.616"),
            ("cap", {"most": 3, "hours": 24}, "block", "Fla. Stat. 501.616"),
            *BUDGET[3:],
        ],
    ),
    "UK": (gettext_noop("United Kingdom"), False, [("hours", _hours("08:00", "21:00"), "block", PRODUCT), *BUDGET]),
    "FR": (
        gettext_noop("France"),
        False,
        [
            ("hours", _hours("10:00", "13:00", MONDAY_TO_FRIDAY), "block", "décret 2022-1313"),
            ("hours", _hours("14:00", "20:00", MONDAY_TO_FRIDAY), "block", "décret 2022-1313"),
            ("cap", {"most": 4, "hours": 720}, "block", "décret 2022-1313"),
            *BUDGET[3:],
            ("consent", {"needed": True}, "block", "loi 2025-594"),
        ],
    ),
    "DEMO": (
        gettext_noop("Demonstration, at all hours"),
        True,
        [("hours", _hours("00:00", "24:00"), "block", gettext_noop("the simulated telephone calls nobody")), *BUDGET],
    ),
}


def shipped_text(text: str) -> str:
    """The name of a pack or the basis of a rule in the reader's language, when it is one that ships; else as people wrote it."""
    return _(text) if text else ""


class PackExists(DomainError):
    """A pack with this code is there already."""


def seed(packs: Any = RulePack, rules: Any = ContactRule) -> int:
    """Make the packs that ship where they are missing; returns how many. A pack that is there keeps its rules as people left them.

    Migrations pass their own historical models.
    """
    made = 0
    for code, (name, simulator_only, shipped) in SHIPPED.items():
        pack, is_new = packs.objects.get_or_create(code=code, defaults={"name": name, "simulator_only": simulator_only})
        if not is_new:
            continue
        made += 1
        rules.objects.bulk_create(
            rules(pack=pack, key=key, value=value, severity=severity, basis=basis, valid_from=FIRST_DAY)
            for key, value, severity, basis in shipped
        )
    return made


@transaction.atomic
def create_pack(*, code: str, name: str, simulator_only: bool, by: User, at: datetime) -> RulePack:
    """A new, empty pack. Nobody is called under it before it has hours. Raises PackExists."""
    code = code.strip().upper()
    if RulePack.objects.filter(code=code).exists():
        raise PackExists(_("There is a rule pack %(code)s already.") % {"code": code})
    pack = RulePack.objects.create(code=code, name=name.strip(), simulator_only=simulator_only)
    audit("customers.rule_pack.created", pack, by=by, at=at, code=code, simulator_only=simulator_only)
    return pack


def rules_in_force(*, pack_ids: list[int], on: date) -> list[ContactRule]:
    """Every rule of the packs that holds on a day; without packs those of the default pack."""
    chosen = Q(pack__in=pack_ids) if pack_ids else Q(pack__code=DEFAULT_PACK)
    return list(ContactRule.objects.in_force(on).filter(chosen).select_related("pack").order_by("pk"))
