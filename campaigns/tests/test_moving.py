"""A customer who moves to another city is called by that city's teams."""

from __future__ import annotations

import pytest

from campaigns.models import Lead
from campaigns.services import claim
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import CityFactory, TeamFactory, agent_of, person
from core.jobs import run_inline
from core.models import Job
from customers.models import LeadList, RowVerdict
from customers.signals import list_committed

pytestmark = pytest.mark.django_db


def moved_by_a_list(floor: Floor, *leads: Lead) -> LeadList:
    """What a committed list leaves behind that moved these customers to a new city, and the news of it."""
    by, city = person("data"), floor.away
    made = LeadList.objects.create(
        name="May", source=leads[0].customer.source, status="committed", consent_basis="shop", consent_stated_by="x",
        created_by=by, created_at=AT, committed_by=by, committed_at=AT, row_count=len(leads),
    )  # fmt: skip
    for row, lead in enumerate(leads, start=2):
        RowVerdict.objects.create(
            lead_list=made, row_no=row, verdict="update", reason="moved", customer_id=lead.customer_id
        )
        type(lead.customer).objects.filter(pk=lead.customer_id).update(city=city)
    list_committed.send(sender=LeadList, lead_list_id=made.pk)
    return made


def moved_by_the_job(floor: Floor, *leads: Lead) -> None:
    made = moved_by_a_list(floor, *leads)
    assert run_inline(Job.objects.get(kind="campaigns.follow_customers", key=str(made.pk)).pk)


@pytest.fixture
def floor():
    floor = Floor()
    floor.away = CityFactory()
    return floor


def test_the_new_citys_team_gets_the_lead_and_the_old_ones_does_not(floor):
    lead = floor.lead()
    team = TeamFactory(city=floor.away)
    floor.campaign.team_links.create(team=team)

    moved_by_the_job(floor, lead)

    assert claim.claim_next_lead(agent=floor.agent, at=AT) is None
    assert claim.claim_next_lead(agent=agent_of(team), at=AT) == lead


def test_unfinished_leads_move_and_finished_ones_and_other_customers_stay(floor):
    waiting, finished, other = floor.lead(), floor.lead(state="done", outcome="refused"), floor.lead()

    moved_by_the_job(floor, waiting, finished)

    cities = [Lead.objects.get(pk=lead.pk).city for lead in (waiting, finished, other)]
    assert cities == [floor.away, floor.city, floor.city]


def test_once_the_list_is_committed_the_old_city_is_handed_none_of_its_leads(floor, django_capture_on_commit_callbacks):
    lead = floor.lead()

    with django_capture_on_commit_callbacks(execute=True):
        moved_by_a_list(floor, lead)

    assert Job.objects.get(kind="campaigns.follow_customers").state == Job.State.QUEUED
    assert claim.claim_next_lead(agent=floor.agent, at=AT) is None
