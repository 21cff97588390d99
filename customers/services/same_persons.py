"""Customers who may be one person: looked for among those of one city with one name, and told apart by a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from operator import itemgetter
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from core.jobs import Run, enqueue
from core.models import Job
from core.sealed import BulkSealer, unseal
from customers import rules
from customers.models import Customer, SamePerson
from customers.near_numbers import near
from people.models import City, User

KIND = "customers.find_same_persons"
# of one name in one city, whose e-mail addresses are compared
MOST = 1_000
AT_ONCE = 500
EMAIL_HEADINGS = ["email", "e-mail", "e_mail", "mail", "email address", "e-mail address", "邮箱", "电子邮箱", "电子邮件", "邮箱地址"]  # fmt: skip

# Customers of this list, some rows at a time.
OF_LIST = """
SELECT v.row_no, v.customer_id FROM customers_rowverdict v
WHERE v.lead_list_id = %(list)s AND v.row_no > %(after)s AND v.verdict IN ('new', 'update') ORDER BY v.row_no LIMIT %(most)s
"""
OF_CITY = """
SELECT c.id, c.id FROM customers_customer c
WHERE c.city_id = %(city)s AND c.id > %(after)s AND c.merged_into_id IS NULL ORDER BY c.id LIMIT %(most)s
"""
# Who is locked is compared with nobody, and a made-up customer is nobody's likeness.
COMPARED = "c.merged_into_id IS NULL AND NOT c.is_locked AND c.name_sort <> '' AND NOT EXISTS (SELECT FROM customers_canary k WHERE k.customer_id = c.id)"
# Numbers of these customers, of those alone who have a namesake in their city.
NUMBERS = f"""
SELECT c.id, p.sealed FROM customers_customer c JOIN customers_phone p ON p.customer_id = c.id
WHERE c.id = ANY (%(customers)s) AND {COMPARED} AND EXISTS (
  SELECT FROM customers_customer o WHERE o.city_id = c.city_id AND o.name_sort = c.name_sort AND o.id <> c.id AND o.merged_into_id IS NULL)
"""
# Whose numbers these are: blind indexes of 16 bytes, one after the other, each looked up by itself.
OWNERS = """
SELECT n.place, p.customer_id FROM generate_series(0, length(%(indexes)s::bytea) / 16 - 1) n (place)
CROSS JOIN LATERAL (
  SELECT customer_id FROM customers_phone WHERE blind_index = substring(%(indexes)s::bytea FROM n.place * 16 + 1 FOR 16) OFFSET 0) p
"""
NAMESAKES = f"""
SELECT DISTINCT o.id, c.id FROM unnest(%(ones)s::bigint[], %(others)s::bigint[]) x (one, other)
JOIN customers_customer o ON o.id = x.one JOIN customers_customer c ON c.id = x.other
WHERE c.city_id = o.city_id AND c.name_sort = o.name_sort AND c.id <> o.id AND {COMPARED}
"""
MAIL = """(SELECT lower(btrim(a.value)) FROM jsonb_each_text(c.attributes) a
  WHERE lower(btrim(a.key)) = ANY (%(headings)s) AND a.value LIKE '%%_@_%%' LIMIT 1)"""
# Names of those among these customers who have an e-mail address, with their namesakes counted no further than is compared.
NAMES = f"""
SELECT n.city_id, n.name_sort, g.count FROM (
  SELECT DISTINCT c.city_id, c.name_sort FROM customers_customer c WHERE c.id = ANY (%(customers)s) AND {COMPARED} AND {MAIL} IS NOT NULL) n
CROSS JOIN LATERAL (SELECT count(*) FROM (
  SELECT FROM customers_customer o WHERE o.city_id = n.city_id AND o.name_sort = n.name_sort LIMIT %(most)s + 1) o) g
WHERE g.count > 1
"""
MAILS = f"""
SELECT c.city_id, c.name_sort, c.id, {MAIL} FROM unnest(%(cities)s::bigint[], %(names)s::text[]) g (city_id, name_sort)
JOIN customers_customer c ON c.city_id = g.city_id AND c.name_sort = g.name_sort WHERE {COMPARED}
"""


class DecidedAlready(DomainError):
    """Somebody has decided about the pair meanwhile."""


class LookedForAlready(DomainError):
    """The same look is under way."""


@dataclass
class Found:
    """What a look has brought: pairs that were not known, and names too common for their e-mail addresses to be compared."""

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
    """Write every pair that these customers make with others of their city and name."""
    mails, too_common = _same_mails(customers)
    return Found(_store({**mails, **_near_numbers(customers)}, at=at), too_common)


def _near_numbers(customers: list[int]) -> dict[tuple[int, int], str]:
    """Each number is opened in memory, and what is near it looked for by the blind index: no other number is opened, none stored."""
    sealer = BulkSealer()
    # in the order of the index: of 62,000 lookups a piece, neighbours lie on one page, and all take a third of the time
    near_ones = sorted(
        (
            (owner, sealer.index(digits), why)
            for owner, sealed in _execute(NUMBERS, {"customers": customers})
            for digits, why in near(unseal(sealed))
        ),
        key=itemgetter(1),
    )
    owners = _execute(OWNERS, {"indexes": b"".join(index for _owner, index, _why in near_ones)}) if near_ones else []
    met = {(near_ones[place][0], other): near_ones[place][2] for place, other in owners}
    sides = {"ones": [one for one, _other in met], "others": [other for _one, other in met]}
    namesakes = _execute(NAMESAKES, sides) if met else []
    return {(min(pair), max(pair)): met[pair] for pair in namesakes}


def _same_mails(customers: list[int]) -> tuple[dict[tuple[int, int], str], int]:
    """The pairs, and of how many names there were too many customers to compare."""
    names = _execute(NAMES, {"customers": customers, "headings": EMAIL_HEADINGS, "most": MOST})
    few = [(city, name) for city, name, count in names if count <= MOST]
    values = {"cities": [city for city, _name in few], "names": [name for _city, name in few], "headings": EMAIL_HEADINGS}  # fmt: skip
    same: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    for city, name, customer, mail in _execute(MAILS, values) if few else []:
        if mail:
            same[city, name, mail].append(customer)
    pairs = {pair: str(SamePerson.Why.EMAIL) for who in same.values() for pair in combinations(sorted(who), 2)}
    return pairs, len(names) - len(few)


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
