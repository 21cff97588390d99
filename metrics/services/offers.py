"""Calls counted by the offer they carried, beside the rollup, in the way of the lists.

Only products that have an offer are counted, and each business day of a city anew when it has news; a page adds the days of an offer.
No page ever reads the calls for it: it would have to read all calls of all days of the offer, because no index leads to a product.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db import transaction

from core.clock import database_now
from metrics.models import LIST_COUNTS, OfferFigures, Partition
from metrics.services import lists

MARK = "offers_counted_at"

# city, campaign, product, offer; 0 stands for no offer
CALLS = """
SELECT city_id, campaign_id, product_id, coalesce(offer_id, 0), customer_id, connected::int::bigint, sale::int::bigint
FROM campaigns_call WHERE started_at >= %s AND started_at < %s AND city_id = ANY(%s) AND direction = 'outbound'
  AND product_id IN (SELECT product_id FROM scripts_offer)"""

# an order belongs to the offer of its call
ORDERS = """
SELECT o.city_id, o.campaign_id, c.product_id, coalesce(c.offer_id, 0), o.customer_id, (o.state = 'cancelled')::int::bigint
FROM campaigns_order o JOIN campaigns_call c ON c.id = o.call_id AND c.started_at = o.call_started_at
WHERE o.call_started_at >= %s AND o.call_started_at < %s AND o.city_id = ANY(%s)
  AND c.started_at >= %s AND c.started_at < %s AND c.direction = 'outbound'
  AND c.product_id IN (SELECT product_id FROM scripts_offer)"""


def days_waiting() -> list[tuple[date, list[int]]]:
    """[(day, its cities that wait)], newest day first."""
    return lists.days_waiting(MARK)


@transaction.atomic
def count_day(*, day: date, cities: Sequence[int]) -> int:
    """Count one business day of these cities by offer again. Returns how many rows the day has.

    A partition that another job is just writing is left out and goes on waiting.
    """
    waits = Partition.objects.filter(day=day, city_id__in=cities).order_by("city_id")
    partitions = list(waits.select_for_update(skip_locked=True))
    held = [partition.city_id for partition in partitions]
    read_at = database_now()
    found = lists.read(day, held, CALLS, ORDERS)
    OfferFigures.objects.filter(day=day, city_id__in=held).delete()
    OfferFigures.objects.bulk_create([_row(day, key, tally) for key, tally in sorted(found.items())], batch_size=500)
    Partition.objects.filter(pk__in=[partition.pk for partition in partitions]).update(offers_counted_at=read_at)
    return len(found)


def _row(day: date, key: lists.Key, tally: lists.Tally) -> OfferFigures:
    city, campaign, product, offer = key
    sets = {f"{name}_ids": members.serialize() for name, members in tally.sets.items()}
    return OfferFigures(
        day=day, city_id=city, campaign_id=campaign, product_id=product, offer_id=offer or None,
        **dict(zip(LIST_COUNTS, tally.counts, strict=True)), **sets,
    )  # fmt: skip
