"""Customers who may be one person: looked for among those of one city with one name, and told apart by a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from core.jobs import Run, enqueue
from core.models import Job
from core.sealed import unseal
from customers import rules
from customers.models import Customer, SamePerson
from customers.near_numbers import near_pairs
from people.models import City, User

KIND = "customers.find_same_persons"
# of one name in one city: among more of them near numbers are chance
MOST = 1_000
AT_ONCE = 1_000
# whose numbers are opened at once
IN_MEMORY = 20_000
EMAIL_HEADINGS = ["email", "e-mail", "e_mail", "mail", "email address", "e-mail address", "邮箱", "电子邮箱", "电子邮件", "邮箱地址"]  # fmt: skip

# Customers of this list, some rows at a time.
OF_LIST = """
SELECT v.row_no, v.customer_id FROM customers_rowverdict v
WHERE v.lead_list_id = %(list)s AND v.row_no > %(after)s AND v.verdict IN ('new', 'update') ORDER BY v.row_no LIMIT %(most)s
"""
# Of a city by id, and of each name the first alone: the others are found with it.
OF_CITY = """
SELECT c.id, CASE WHEN NOT EXISTS (
    SELECT FROM customers_customer o WHERE o.city_id = c.city_id AND o.name_sort = c.name_sort AND o.id < c.id AND o.merged_into_id IS NULL)
  THEN c.id END
FROM customers_customer c WHERE c.city_id = %(city)s AND c.id > %(after)s AND c.merged_into_id IS NULL ORDER BY c.id LIMIT %(most)s
"""
# Names that several customers of the city have, counted no further than is compared: one walk over a piece of the index by name.
NAMES = """
SELECT n.city_id, n.name_sort, g.count FROM (
  SELECT DISTINCT c.city_id, c.name_sort FROM customers_customer c
  WHERE c.id = ANY (%(customers)s) AND c.merged_into_id IS NULL AND c.name_sort <> '') n
CROSS JOIN LATERAL (SELECT count(*) FROM (
  SELECT FROM customers_customer o WHERE o.city_id = n.city_id AND o.name_sort = n.name_sort LIMIT %(most)s + 1) o) g
WHERE g.count > 1
"""
# Who is locked is compared with nobody, and a made-up customer is nobody's likeness.
MEMBERS = """
SELECT c.city_id, c.name_sort, c.id, p.sealed, (
  SELECT lower(btrim(a.value)) FROM jsonb_each_text(c.attributes) a WHERE lower(btrim(a.key)) = ANY (%(headings)s) AND a.value LIKE '%%_@_%%' LIMIT 1)
FROM unnest(%(cities)s::bigint[], %(names)s::text[]) g (city_id, name_sort)
JOIN customers_customer c ON c.city_id = g.city_id AND c.name_sort = g.name_sort
LEFT JOIN customers_phone p ON p.customer_id = c.id
WHERE c.merged_into_id IS NULL AND NOT c.is_locked AND NOT EXISTS (SELECT FROM customers_canary k WHERE k.customer_id = c.id)
"""


class DecidedAlready(DomainError):
    """Somebody has decided about the pair meanwhile."""


class LookedForAlready(DomainError):
    """The same look is under way."""


@dataclass
class Found:
    """What a look has brought: pairs that were not known, and names too common to be compared."""

    pairs: int = 0
    too_common: int = 0


# ---------------------------------------------------------------- looking


def find_same_persons(run: Run) -> dict[str, Any]:
    """Look through the customers of a list, of a city, or the one named. Goes on where the last worker ended; a pair is written once."""
    found = Found(run.cursor.get("pairs", 0), run.cursor.get("too_common", 0))
    read = _reader(run.args)
    while rows := read(run.cursor.get("after", 0)):
        with run.chunk(done=len(rows)) as piece:
            more = look_among([customer for _place, customer in rows if customer], at=run.now())
            found.pairs += more.pairs
            found.too_common += more.too_common
            piece.cursor = {"after": rows[-1][0], "pairs": found.pairs, "too_common": found.too_common}
    return {"same_persons": found.pairs, "too_common": found.too_common}


def _reader(args: dict[str, Any]) -> Callable[[int], list[tuple[int, int | None]]]:
    """Gives (place, customer) of some rows after a place; [] at the end."""
    if "customer" in args:
        return lambda after: [] if after else [(1, args["customer"])]
    statement, values = (
        (OF_LIST, {"list": args["lead_list"]}) if "lead_list" in args else (OF_CITY, {"city": args["city"]})
    )
    return lambda after: _execute(statement, {**values, "after": after, "most": AT_ONCE})


def look_among(customers: list[int], *, at: datetime) -> Found:
    """Write every pair that these customers make with others of their city and name. Numbers are opened in memory and stored nowhere."""
    names = _execute(NAMES, {"customers": customers, "most": MOST})
    compared = [row for row in names if row[2] <= MOST]
    stored = sum(_store(_pairs_of(some), at=at) for some in _pieces(compared))
    return Found(stored, len(names) - len(compared))


def _pieces(names: list[tuple[int, str, int]]) -> Iterator[list[tuple[int, str]]]:
    """The names in pieces of so many customers that they fit into memory together."""
    piece: list[tuple[int, str]] = []
    members = 0
    for city, name, count in names:
        if piece and members + count > IN_MEMORY:
            yield piece
            piece, members = [], 0
        piece.append((city, name))
        members += count
    if piece:
        yield piece


def _pairs_of(names: list[tuple[int, str]]) -> dict[tuple[int, int], str]:
    numbers: dict[tuple[int, str], set[tuple[int, str]]] = defaultdict(set)
    mails: dict[tuple[int, str, str], set[int]] = defaultdict(set)
    values = {"cities": [city for city, _name in names], "names": [name for _city, name in names], "headings": EMAIL_HEADINGS}  # fmt: skip
    for city, name, customer, sealed, mail in _execute(MEMBERS, values):
        if sealed is not None:
            numbers[city, name].add((customer, unseal(sealed)))
        if mail:
            mails[city, name, mail].add(customer)
    pairs = {pair: str(SamePerson.Why.EMAIL) for who in mails.values() for pair in combinations(sorted(who), 2)}
    for group in numbers.values():
        pairs.update(near_pairs(group))
    return pairs


def _store(pairs: dict[tuple[int, int], str], *, at: datetime) -> int:
    """How many were not known. What was decided before stays decided."""
    if not pairs:
        return 0
    found = sorted(pairs)
    firsts, seconds = [first for first, _second in found], [second for _first, second in found]
    stored = _execute(
        """INSERT INTO customers_sameperson (first_id, second_id, why, state, found_at)
        SELECT *, 'open', %(at)s::timestamptz FROM unnest(%(firsts)s::bigint[], %(seconds)s::bigint[], %(why)s::text[])
        ON CONFLICT (first_id, second_id) DO NOTHING RETURNING id""",
        {"at": at, "firsts": firsts, "seconds": seconds, "why": [pairs[pair] for pair in found]},
    )
    return len(stored)


def _execute(statement: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


@transaction.atomic
def ask_to_look(*, city: City, by: User, at: datetime) -> Job:
    """Look through a whole city, once at a time. Raises PermissionRefused, LookedForAlready."""
    if not rules.can_decide_same_persons(by) or not City.objects.visible_to(by).filter(pk=city.pk).exists():
        raise PermissionRefused(_("Your role does not allow this."))
    City.objects.select_for_update(of=("self",)).get(pk=city.pk)
    if Job.objects.filter(kind=KIND, key__startswith=f"city-{city.pk}-", state__in=Job.OPEN_STATES).exists():
        raise LookedForAlready(_("This city is being looked through already."))
    job = enqueue(kind=KIND, key=f"city-{city.pk}-{at.isoformat()}", args={"city": city.pk}, city_id=city.pk, by=by)
    audit("customers.same_person.search_asked", job, by=by, at=at, city_id=city.pk)
    return job


# ---------------------------------------------------------------- deciding


@transaction.atomic
def tell_apart(*, pair: SamePerson, by: User, at: datetime) -> SamePerson:
    """These are two persons; the pair never comes back. Raises PermissionRefused, DecidedAlready."""
    pair, first, _second = take(pair, by=by)
    settle(pair, SamePerson.State.DIFFERENT, by=by, at=at)
    audit(
        "customers.same_person.told_apart", pair, by=by, at=at, city_id=first.city_id, customer_id=pair.first_id,
        other_customer_id=pair.second_id,
    )  # fmt: skip
    return pair


def take(pair: SamePerson, *, by: User) -> tuple[SamePerson, Customer, Customer]:
    """The pair, still to be decided and by this user, and its two customers, locked in the order of their ids as everywhere.

    Raises PermissionRefused, DecidedAlready.
    """
    if not rules.can_decide_same_persons(by) or not SamePerson.objects.visible_to(by).filter(pk=pair.pk).exists():
        raise PermissionRefused(_("Your role does not allow this."))
    first, second = Customer.objects.select_for_update(of=("self",)).filter(
        pk__in=[pair.first_id, pair.second_id]
    ).order_by("pk")  # fmt: skip
    pair = SamePerson.objects.select_for_update(of=("self",)).get(pk=pair.pk)
    if pair.state != SamePerson.State.OPEN:
        raise DecidedAlready(
            _("Somebody has decided about these two meanwhile: %(state)s.") % {"state": pair.get_state_display()}
        )
    return pair, first, second


def settle(pair: SamePerson, state: str, *, by: User | None, at: datetime | None) -> None:
    pair.state, pair.decided_by, pair.decided_at = state, by, at
    pair.save(update_fields=["state", "decided_by", "decided_at"])
