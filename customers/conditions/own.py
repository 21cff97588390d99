"""What can be asked of a customer's own columns, attributes, tags, lists and consents."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.db.models import BooleanField, Case, DecimalField, Exists, F, Func, OuterRef, Q, TextField, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from core.calendar import day_bounds
from customers.conditions.registry import Ask, Condition, Kind, register
from customers.merged import MERGED
from customers.models import Consent, Customer, CustomerTag, LeadList, Phone, Source, Tag
from people.models import City, User

NOT_KNOWN = "unknown"
TAKEN = ["new", "update", "unchanged"]
LONGEST_NUMBER = 30


class Sure(Func):
    """False where the expression is null: NOT of it is then true, as people mean it."""

    template = "COALESCE((%(expressions)s), false)"
    output_field = BooleanField()


# ---------------------------------------------------------------- columns


def column(field: str, of: Callable[[str], Any] = str) -> Callable[[Ask], Q]:
    """One of some values of a column; "unknown" is the empty one."""

    def compile(ask: Ask) -> Q:
        found = Q(**{f"{field}__in": [("" if value == NOT_KNOWN else of(value)) for value in ask.value]})
        return ~found if ask.op == "none_of" else found

    return compile


def number(field: str) -> Callable[[Ask], Q]:
    """Of a whole number: nobody is 30.5, and at least 30.5 is at least 31."""

    def compile(ask: Ask) -> Q:
        match ask.op:
            case "known" | "unknown":
                return Q(**{f"{field}__isnull": ask.op == "unknown"})
            case "equals":
                low = high = ask.value
            case "between":
                low, high = ask.value
            case _:
                low, high = (ask.value, None) if ask.op == "at_least" else (None, ask.value)
        found = Q(**{f"{field}__isnull": False})
        if low is not None:
            found &= Q(**{f"{field}__gte": math.ceil(low)})
        return found & Q(**{f"{field}__lte": math.floor(high)}) if high is not None else found

    return compile


def moment(field: str) -> Callable[[Ask], Q]:
    """Days are the region's; "within the last 7 days" is counted back from the moment of asking."""

    def compile(ask: Ask) -> Q:
        match ask.op:
            case "last_days":
                return Q(**{f"{field}__gte": ask.at - timedelta(days=ask.value)})
            case "older_days":
                return Q(**{f"{field}__lt": ask.at - timedelta(days=ask.value)})
        start = day_bounds(date.fromisoformat(ask.value))[0]
        return Q(**{f"{field}__{'gte' if ask.op == 'from' else 'lt'}": start})

    return compile


def flag(field: str) -> Callable[[Ask], Q]:
    return lambda ask: Q(**{field: ask.op == "yes"})


# ---------------------------------------------------------------- rows beside the customer


def _beside(rows: Any, is_there: bool) -> Q:
    found = Q(Exists(rows))
    return found if is_there else ~found


def _tagged(ask: Ask) -> Q:
    rows = CustomerTag.objects.filter(customer=OuterRef("pk"), tag__in=[int(value) for value in ask.value])
    return _beside(rows, ask.op == "one_of")


# The rows of lists that were taken, with whoever their customer was merged into in the customer's place: the one who stays counts as on the
# lists of both. The lists are read once.
ON_LISTS = f"""{MERGED}
SELECT coalesce(m.person, v.customer_id) FROM customers_rowverdict v
JOIN customers_leadlist l ON l.id = v.lead_list_id AND l.status = 'committed' LEFT JOIN merged m ON m.id = v.customer_id
WHERE v.lead_list_id = ANY (%s) AND v.verdict = ANY (%s) AND v.customer_id IS NOT NULL
"""


def _on_list(ask: Ask) -> Q:
    """Brought by a list: its rows that were taken, read by the list (they have no index by customer)."""
    found = Q(pk__in=RawSQL(ON_LISTS, [[int(value) for value in ask.value], TAKEN]))
    return ~found if ask.op == "none_of" else found


def _prefixed(ask: Ask) -> Q:
    rows = Phone.objects.filter(customer=OuterRef("pk"), prefix__in=ask.value)
    return _beside(rows, ask.op == "one_of")


def _consenting(ask: Ask) -> Q:
    return _beside(Consent.objects.in_force(ask.at).filter(customer=OuterRef("pk")), ask.op == "yes")


def _source_kind(ask: Ask) -> Q:
    found = Q(source__in=Source.objects.filter(kind__in=ask.value).values("pk"))
    return ~found if ask.op == "none_of" else found


# ---------------------------------------------------------------- attributes of lists


def _text(name: str) -> Func:
    return Func(F("attributes"), Value(name), function="jsonb_extract_path_text", output_field=TextField())


def _figure(name: str) -> Case:
    """The attribute as a number; null when it is none. The longest are left out: nobody's income has 30 digits."""
    text = _text(name)
    is_number = Q(Sure(_Matches(text, Value(rf"^\s*-?\d{{1,{LONGEST_NUMBER}}}(\.\d{{1,{LONGEST_NUMBER}}})?\s*$"))))
    figure = DecimalField(max_digits=80, decimal_places=30)
    return Case(When(is_number, then=Cast(text, _Numeric())), default=None, output_field=figure)


class _Numeric(DecimalField):
    """`numeric` without a scale: no value of a list is too long for it."""

    def __init__(self, **_more: Any) -> None:
        super().__init__(max_digits=80, decimal_places=30)

    def db_type(self, connection: Any) -> str:
        return "numeric"

    def cast_db_type(self, connection: Any) -> str:
        return "numeric"


class _Matches(Func):
    arg_joiner = " ~ "
    template = "%(expressions)s"
    output_field = BooleanField()


class _Compares(Func):
    template = "%(expressions)s"
    output_field = BooleanField()


def _holds(name: str, value: str) -> Q:
    """The attribute is this text, or the number or truth that it says. By containment, which the search index serves."""
    found = Q(attributes__contains={name: value})
    for other in _other_forms(value):
        found |= Q(attributes__contains={name: other})
    return found


def _other_forms(value: str) -> list[Any]:
    try:
        read = json.loads(value.lower(), parse_constant=lambda _word: None)
    except ValueError:
        return []
    return [read] if isinstance(read, bool | int | float) and math.isfinite(read) else []


def _attribute(ask: Ask) -> Q:
    match ask.op:
        case "known" | "unknown":
            found = Q(attributes__has_key=ask.name)
            return found if ask.op == "known" else ~found
        case "equals":
            return _holds(ask.name, ask.value)
        case "one_of":
            found = Q()
            for value in ask.value:
                found |= _holds(ask.name, value)
            return found
        case "contains":
            return Q(Sure(_Contains(_text(ask.name), Value(f"%{_literally(ask.value)}%"))))
        case "between":
            low, high = ask.value
            return _compared(ask.name, ">=", low) & _compared(ask.name, "<=", high)
    return _compared(ask.name, {"at_least": ">=", "at_most": "<="}[ask.op], ask.value)


class _Contains(_Compares):
    arg_joiner = " ILIKE "


def _literally(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def _compared(name: str, sign: str, value: float) -> Q:
    return Q(Sure(_Compares(_figure(name), Cast(Value(str(value)), _Numeric()), arg_joiner=f" {sign} ")))


# ---------------------------------------------------------------- choices


def _cities(user: User | None) -> list[tuple[str, str]]:
    rows = City.objects.all() if user is None else City.objects.visible_to(user)
    return [(str(city.pk), city.label) for city in rows.order_by("name")]


def _sources(user: User | None) -> list[tuple[str, str]]:
    return [(str(pk), name) for pk, name in Source.objects.order_by("name").values_list("pk", "name")]


def _lists(user: User | None) -> list[tuple[str, str]]:
    # a segment made before its list was taken back is still counted, and finds nobody there
    rows = LeadList.objects.all()
    if user is not None:
        rows = LeadList.objects.visible_to(user).filter(status=LeadList.Status.COMMITTED)
    rows = rows.order_by("-committed_at")
    return [(str(pk), name) for pk, name in rows.values_list("pk", "name")]


def _tags(user: User | None) -> list[tuple[str, str]]:
    return [(str(pk), name) for pk, name in Tag.objects.order_by("name").values_list("pk", "name")]


def _words(choices: Any, *, or_unknown: bool = True) -> Callable[[User | None], list[tuple[str, str]]]:
    def words(user: User | None) -> list[tuple[str, str]]:
        found = [(value, str(label)) for value, label in choices.choices]
        return [*found, (NOT_KNOWN, str(_("not known")))] if or_unknown else found

    return words


register(
    Condition("city", _("City"), Kind.CHOICE, column("city", int), choices=_cities),
    Condition("type", _("Type"), Kind.CHOICE, column("type"), choices=_words(Customer.Type)),
    Condition("gender", _("Gender"), Kind.CHOICE, column("gender"), choices=_words(Customer.Gender)),
    Condition("age", _("Age"), Kind.NUMBER, number("age")),
    Condition("source", _("Source"), Kind.CHOICE, column("source", int), choices=_sources),
    Condition(
        "source_kind",
        _("Kind of source"),
        Kind.CHOICE,
        _source_kind,
        choices=_words(Source.Kind, or_unknown=False),
    ),
    Condition("list", _("List"), Kind.CHOICE, _on_list, choices=_lists),
    Condition("prefix", _("First three digits of a number"), Kind.WORDS, _prefixed),
    Condition("created", _("Added"), Kind.DAY, moment("created_at")),
    Condition("tag", _("Tag"), Kind.CHOICE, _tagged, choices=_tags),
    Condition("consent", _("Consent in force"), Kind.FLAG, _consenting),
    Condition("suppressed", _("Not to be called"), Kind.FLAG, flag("is_suppressed")),
    Condition("attribute", _("Attribute of a list"), Kind.ATTRIBUTE, _attribute),
)
