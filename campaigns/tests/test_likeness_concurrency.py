"""Leads that somebody has locked keep nobody waiting: they are met in a later round of the job."""

import threading
import time
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from campaigns.models import Campaign, Lead, LikenessModel
from campaigns.services import likeness
from campaigns.services.claim import claim_next_lead
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import person
from core.jobs import run_inline
from core.models import Job

pytestmark = pytest.mark.django_db(transaction=True)


def learned(campaign: Campaign) -> LikenessModel:
    """A training as a job would store it: everybody alike."""
    return LikenessModel.objects.create(
        campaign=campaign, scope="campaign", product_id=campaign.product_id, job_id=1, trained_at=AT, rows=500, buyers=50,
        weights=[{"name": "age", "words": [], "edges": [40.0], "weights": [0, -1, 1]}], cuts=[-0.5] * 5 + [0.5] * 4,
    )  # fmt: skip


def test_a_locked_lead_is_ordered_in_a_later_round_and_nobody_waits():
    floor = Floor()
    leads = [floor.lead(priority=priority) for priority in (3, 5, 5)]
    likeness.switch_on(campaign=floor.campaign, model=learned(floor.campaign), by=person("campaign_manager"), at=AT)
    locked, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Lead.objects.select_for_update().get(pk=leads[1].pk)
                locked.set()
                let_go.wait(5)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(5)
    threading.Timer(0.3, let_go.set).start()
    begun = time.monotonic()
    job = Job.objects.get(kind=likeness.RANK)
    run_inline(job.pk)
    holder.join()

    job.refresh_from_db()
    # either the rounds outlasted the lock, or the job asked to be called again
    if job.state != Job.State.DONE:
        Job.objects.filter(pk=job.pk).update(not_before=datetime(2020, 1, 1, tzinfo=UTC))
        run_inline(job.pk)
    assert time.monotonic() - begun < 5
    assert Lead.objects.filter(likeness=None).count() == 0


def test_the_order_of_lists_holds_in_the_midst_of_the_work():
    floor = Floor()
    low, high = floor.lead(priority=3), floor.lead(priority=9)
    use = likeness.switch_on(
        campaign=floor.campaign, model=learned(floor.campaign), by=person("campaign_manager"), at=AT
    )
    # as after the first piece: the highest are ordered, the others not yet
    Lead.objects.filter(pk=high.pk).update(likeness=0, listed_priority=9, likeness_use_id=use.pk, priority=100)

    assert claim_next_lead(agent=floor.agent, at=AT).pk == high.pk
    assert low.priority == 3
