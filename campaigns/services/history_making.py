"""What a calls file names and nobody knows yet: campaigns, products, teams, agents, nameless customers. Made only when asked for."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime
from typing import Any

from django.db import connection

from campaigns.models import CallImport, Campaign
from core.calendar import region_zone
from people.models import City, Membership, Team, User
from scripts.models import Product

UNKNOWN_CITY = {"code": "unknown", "name": "Unknown", "name_zh": "未知"}
FITS = "FROM campaigns_stagedcall s JOIN campaigns_callverdict v USING (call_import_id, row_no) WHERE s.call_import_id = %(import_id)s AND v.verdict = 'new'"

CUSTOMERS = """
WITH fresh AS MATERIALIZED (
    SELECT DISTINCT ON (s.phone_blind) s.phone_blind, s.phone_sealed, s.phone_mask, s.phone_prefix, s.row_no
    FROM campaigns_stagedcall s JOIN campaigns_callverdict v USING (call_import_id, row_no)
    WHERE s.call_import_id = %(import_id)s AND v.verdict = 'new' AND v.phone_id IS NULL
    ORDER BY s.phone_blind, s.row_no
), numbered AS MATERIALIZED (
    SELECT f.*, nextval(pg_get_serial_sequence('customers_customer', 'id')) AS customer_id FROM (SELECT * FROM fresh ORDER BY row_no) f
), persons AS (
    INSERT INTO customers_customer (id, city_id, external_id, name, name_sort, type, gender, attributes, is_suppressed)
    SELECT customer_id, %(city_id)s, '', '', '', '', '', '{}'::jsonb, false FROM numbered ORDER BY customer_id RETURNING id
)
INSERT INTO customers_phone (customer_id, blind_index, sealed, mask, prefix, is_primary, is_dead)
SELECT n.customer_id, n.phone_blind, n.phone_sealed, n.phone_mask, n.phone_prefix, true, false
FROM numbered n JOIN persons p ON p.id = n.customer_id
"""


def make_missing(call_import: CallImport, *, at: datetime) -> dict[str, int]:
    """Make what the rows to be imported need; returns how many of each. Rows must be judged, and are to be judged again after it."""
    return {
        "products": _make_products(call_import),
        "campaigns": _make_campaigns(call_import),
        "teams": _make_teams(call_import),
        "agents": _make_agents(call_import),
        "customers": _make_customers(call_import),
    }


def _rows(sql: str, call_import: CallImport, **more: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"import_id": call_import.pk, **more})
        return cursor.fetchall()


def _make_products(call_import: CallImport) -> int:
    codes = [
        code
        for (code,) in _rows(
            f"SELECT DISTINCT s.product {FITS} AND s.product <> '' AND v.product_id IS NULL ORDER BY 1", call_import
        )
    ]
    Product.objects.bulk_create([Product(code=code, name=code) for code in codes], ignore_conflicts=True)
    return len(codes)


def _make_campaigns(call_import: CallImport) -> int:
    """In the stage of history: nothing is called from it. It sells what its calls sold most, else a product of its own name."""
    found = _rows(
        f"SELECT s.campaign, s.product, s.direction, count(*) {FITS} AND v.campaign_id IS NULL GROUP BY 1, 2, 3 ORDER BY 1",
        call_import,
    )
    products: dict[str, Counter[str]] = defaultdict(Counter)
    directions: dict[str, Counter[str]] = defaultdict(Counter)
    for campaign, product, direction, number in found:
        products[campaign][product] += number if product else 0
        directions[campaign][direction] += number
    for code in products:
        product_code = products[code].most_common(1)[0][0] or code
        product, _new = Product.objects.get_or_create(code=product_code, defaults={"name": product_code})
        Campaign.objects.get_or_create(
            code=code,
            defaults={
                "name": code,
                "product": product,
                "stage": Campaign.Stage.HISTORY,
                "is_on": False,
                "direction": directions[code].most_common(1)[0][0],
                "created_by": call_import.created_by,
            },
        )
    return len(products)


def _make_teams(call_import: CallImport) -> int:
    codes = [
        code
        for (code,) in _rows(
            f"SELECT DISTINCT s.team {FITS} AND s.team <> '' AND v.team_id IS NULL ORDER BY 1", call_import
        )
    ]
    Team.objects.bulk_create([Team(code=code, name=code) for code in codes], ignore_conflicts=True)
    return len(codes)


# -- agents ------------------------------------------------------------------------------------------------------------


def _make_agents(call_import: CallImport) -> int:
    """Accounts that cannot sign in, each an agent of the team in which the calls were made, from the first day on."""
    days = _rows(
        f"SELECT DISTINCT ON (s.agent, 2) s.agent, (s.started_at AT TIME ZONE %(zone)s)::date, s.team {FITS} AND v.agent_id IS NULL AND s.team <> ''"
        " ORDER BY s.agent, 2, s.started_at",
        call_import,
        zone=str(region_zone()),
    )
    stays: dict[str, list[tuple[date, str]]] = defaultdict(list)
    for agent, day, team in days:
        if not stays[agent] or stays[agent][-1][1] != team:
            stays[agent].append((day, team))
    users = _make_users(sorted(stays))
    teams = dict(
        Team.objects.filter(code__in={team for stay in stays.values() for _day, team in stay}).values_list("code", "pk")
    )
    Membership.objects.bulk_create(
        Membership(user=users[agent], role=Membership.Role.AGENT, team_id=teams[team], valid_from=begins, valid_to=ends)
        for agent, stay in stays.items()
        for (begins, team), ends in zip(stay, [*(day for day, _team in stay[1:]), None], strict=True)
    )
    return len(users)


def _make_users(codes: list[str]) -> dict[str, User]:
    taken = set(User.objects.filter(username__in=codes).values_list("username", flat=True))
    users = [
        User(username=f"agent-{code}" if code in taken else code, code=code, display_name=code, is_active=False)
        for code in codes
    ]
    for user in users:
        user.set_unusable_password()
    return {user.code or "": user for user in User.objects.bulk_create(users)}


# -- customers ---------------------------------------------------------------------------------------------------------


def _make_customers(call_import: CallImport) -> int:
    """Nameless persons of the city 未知, whose time zone is not known: nobody calls them before their city is known."""
    needed = _rows(f"SELECT 1 {FITS} AND v.phone_id IS NULL LIMIT 1", call_import)
    if not needed:
        return 0
    city = City.objects.named(UNKNOWN_CITY["name_zh"]).first() or City.objects.create(**UNKNOWN_CITY)
    with connection.cursor() as cursor:
        cursor.execute(CUSTOMERS, {"import_id": call_import.pk, "city_id": city.pk})
        return cursor.rowcount
