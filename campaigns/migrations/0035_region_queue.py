"""An agent of the region finds the first city in one look at the campaign's queue, not in one look at each city's."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from core.migration_operations import ChangeFunctions

CITIES_BY_HEAD = """            FROM (
                SELECT z.*, head.priority, head.ready_at FROM unnest(r.cities, r.day_starts, r.need_consent, r.one_answer) z(id, day_start, consent, one_answer)
                CROSS JOIN LATERAL (
                    SELECT l.priority, l.ready_at FROM campaigns_lead l
                    WHERE l.campaign_id = k.id AND l.city_id = z.id AND l.state = 'open' AND l.ready_at <= v_now
                    ORDER BY l.priority DESC, l.ready_at LIMIT 1) head
                ORDER BY head.priority DESC, head.ready_at
            ) z
"""
# The second half is run only when the first gave nobody. More than twenty leads of closed cities in front leave it to the second half.
FIRST_CITY_BEFORE = """            FROM (
                (SELECT z.*, head.priority, head.ready_at
                FROM (
                    SELECT l.city_id, l.priority, l.ready_at FROM campaigns_lead l
                    WHERE cardinality(r.cities) > 1 AND l.campaign_id = k.id AND l.state = 'open' AND l.ready_at <= v_now
                    ORDER BY l.priority DESC, l.ready_at LIMIT 20) head
                CROSS JOIN LATERAL (SELECT array_position(r.cities, head.city_id) AS n OFFSET 0) place
                CROSS JOIN LATERAL (SELECT head.city_id, r.day_starts[place.n], r.need_consent[place.n], r.one_answer[place.n])
                    z(id, day_start, consent, one_answer)
                WHERE place.n IS NOT NULL
                ORDER BY head.priority DESC, head.ready_at LIMIT 1)
                UNION ALL
                (SELECT z.*, head.priority, head.ready_at FROM unnest(r.cities, r.day_starts, r.need_consent, r.one_answer) z(id, day_start, consent, one_answer)
                CROSS JOIN LATERAL (
                    SELECT l.priority, l.ready_at FROM campaigns_lead l
                    WHERE l.campaign_id = k.id AND l.city_id = z.id AND l.state = 'open' AND l.ready_at <= v_now
                    ORDER BY l.priority DESC, l.ready_at LIMIT 1) head
                ORDER BY head.priority DESC, head.ready_at)
            ) z
"""


class Migration(migrations.Migration):
    # the index is made while agents go on claiming
    atomic = False
    dependencies = [("campaigns", "0034_refusals_found")]
    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(
                models.F("campaign"),
                models.OrderBy(models.F("priority"), descending=True),
                models.F("ready_at"),
                condition=models.Q(("state", "open")),
                name="lead_region_queue",
            ),
        ),
        ChangeFunctions([("campaigns_claim_lead", CITIES_BY_HEAD, FIRST_CITY_BEFORE)]),
    ]
