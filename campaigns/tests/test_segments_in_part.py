"""Of a segment so many customers become leads, by lot or by name; what would come of it is shown first; the next so many are others."""

from __future__ import annotations

import hashlib

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from campaigns.models import Lead, SegmentAllocation, SegmentDraw
from campaigns.retention import forget_draws
from campaigns.services import segment_allocation, segment_draws
from campaigns.services.segment_allocation import AssignedMeanwhile, LimitWrong
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import CityFactory, CustomerFactory, LeadFactory, agent_of, person
from campaigns.tests.test_segment_allocation import a_segment, counted, give, given, people, text, url
from core.jobs import request_cancel, run_inline
from core.jobs.words import facts
from core.models import Job
from customers.members import ids_of
from customers.models import Customer
from customers.services import segments

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/segment-allocations/"


@pytest.fixture
def floor(db):
    return Floor()


def called() -> set[int]:
    return set(Lead.objects.values_list("customer_id", flat=True))


def lot(seed: int, customer: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{customer}".encode()).digest()[:8], signed=True)


def test_so_many_are_drawn_by_lot_and_the_draw_can_be_repeated(floor):
    customers = people(floor, 6)

    made = given(floor, a_segment(floor, customers), most=2)

    by_lot = sorted((row.pk for row in customers), key=lambda pk: lot(made.seed, pk))
    assert called() == set(by_lot[:2])
    assert (made.customer_count, made.lead_count, made.left_out) == (6, 2, {"not_drawn": 4})
    assert not SegmentDraw.objects.exists()


def test_the_next_so_many_are_others_until_nobody_is_left(floor):
    customers = people(floor, 5)
    segment = a_segment(floor, customers)

    made = [given(floor, segment, most=2) for _time in range(4)]

    assert [row.lead_count for row in made] == [2, 2, 1, 0]
    assert made[1].left_out == {"there_already": 2, "not_drawn": 1}
    assert called() == {row.pk for row in customers}


def test_by_name_the_first_come_first(floor):
    for name in ("c", "a", "d", "b"):
        CustomerFactory(city=floor.city, name=name, name_sort=name)
    segment = a_segment(floor, Customer.objects.all())

    given(floor, segment, most=3, order="name")

    assert sorted(Lead.objects.values_list("customer__name_sort", flat=True)) == ["a", "b", "c"]


def test_who_cannot_be_called_takes_no_place(floor):
    suppressed, there, *_good = customers = people(floor, 5)
    Customer.objects.filter(pk=suppressed.pk).update(is_suppressed=True)
    LeadFactory(campaign=floor.campaign, customer=there)

    made = given(floor, a_segment(floor, customers), most=3)

    assert (made.lead_count, made.left_out) == (3, {"suppressed": 1, "there_already": 1})


def test_work_in_pieces_makes_as_many(floor, monkeypatch):
    monkeypatch.setattr(segment_allocation, "CUSTOMERS_AT_ONCE", 2)
    monkeypatch.setattr(segment_draws, "AT_ONCE", 3)

    made = given(floor, a_segment(floor, people(floor, 9)), most=5)

    job = Job.objects.get(pk=made.job_id)
    assert (made.lead_count, made.left_out, job.done, job.total) == (5, {"not_drawn": 4}, 5, 5)


def test_two_in_a_row_wait_for_each_other_and_bring_different_customers(floor):
    segment = a_segment(floor, people(floor, 4))
    first, second = give(floor, segment, most=2), give(floor, segment, most=2)

    assert Job.objects.get(pk=second.job_id).waits_for_id == first.job_id
    for made in (first, second):
        run_inline(made.job_id)

    assert len(called()) == 4


def test_after_so_many_everybody_else_can_be_given(floor):
    segment = a_segment(floor, people(floor, 3))
    given(floor, segment, most=1)

    rest = given(floor, segment)

    assert (rest.lead_count, rest.left_out) == (2, {"there_already": 1})


def test_of_a_segment_that_is_archived_nobody_is_taken_and_no_draw_stays(floor):
    segment = a_segment(floor, people(floor, 3))
    made = give(floor, segment, most=2)
    segments.archive_segment(segment=segment, by=segment.owner, at=AT)

    run_inline(made.job_id)

    assert (Lead.objects.exists(), SegmentDraw.objects.exists()) == (False, False)


def test_who_leaves_the_segment_between_draw_and_lead_is_counted_and_the_counts_add_up(floor, monkeypatch):
    monkeypatch.setattr(segment_allocation, "CUSTOMERS_AT_ONCE", 2)
    customers = people(floor, 7)
    segment = a_segment(floor, customers)
    draw = segment_draws.draw

    def drawn_and_counted_anew(run, allocation, ids):
        draw(run, allocation, ids)
        there = sorted(SegmentDraw.objects.get(allocation=allocation).ids)
        counted(segment, [row for row in customers if row.pk not in (there[0], there[2], there[3])])

    monkeypatch.setattr(segment_draws, "draw", drawn_and_counted_anew)
    made = given(floor, segment, most=5)

    job = Job.objects.get(pk=made.job_id)
    assert (made.lead_count, made.left_out) == (2, {"not_drawn": 2, "left_segment": 3})
    assert (job.state, job.done, job.total) == ("done", 5, 5)
    assert ("Left the segment after they were drawn", "3") in facts(job.result)
    assert not SegmentDraw.objects.exists()


def test_of_who_was_drawn_from_a_segment_archived_since_then_all_are_counted(floor, monkeypatch):
    segment = a_segment(floor, people(floor, 3))
    draw = segment_draws.draw

    def drawn_and_archived(run, allocation, ids):
        draw(run, allocation, ids)
        segments.archive_segment(segment=segment, by=segment.owner, at=AT)

    monkeypatch.setattr(segment_draws, "draw", drawn_and_archived)
    made = given(floor, segment, most=2)

    assert (made.lead_count, made.left_out) == (0, {"not_drawn": 1, "left_segment": 2})
    assert not SegmentDraw.objects.exists()


def test_one_waits_for_all_before_it_also_when_those_between_are_over_or_stopped(floor):
    segment = a_segment(floor, people(floor, 6))
    first, second, third = (give(floor, segment, most=2) for _time in range(3))
    assert Job.objects.get(pk=third.job_id).waits_for_id == second.job_id

    request_cancel(Job.objects.get(pk=second.job_id), by=person("data"), at=AT)
    assert Job.objects.get(pk=third.job_id).state == "queued"
    run_inline(third.job_id)

    assert (called(), Job.objects.get(pk=third.job_id).state) == (set(), "queued")
    for made in (first, third):
        Job.objects.filter(pk=made.job_id).update(not_before=AT.replace(year=2020))
        run_inline(made.job_id)
    assert len(called()) == 4


def test_everybody_given_in_between_does_not_hide_one_that_is_at_work(floor):
    segment = a_segment(floor, people(floor, 4))
    first = give(floor, segment, most=1)
    given(floor, segment)

    assert Job.objects.get(pk=give(floor, segment, most=1).job_id).waits_for_id == first.job_id


def test_a_draw_goes_with_its_job_and_not_before_since_a_stopped_one_may_be_run_again(floor):
    segment = a_segment(floor, people(floor, 3))
    made = [give(floor, segment, most=1) for _time in range(2)]
    for row in made:
        SegmentDraw.objects.create(allocation=row, bitmap=b"")
    Job.objects.filter(pk=made[0].job_id).update(state=Job.State.CANCELLED)
    assert forget_draws(AT) == 0

    Job.objects.filter(pk__in=[made[1].job_id, made[0].job_id]).update(waits_for=None)
    Job.objects.filter(pk=made[0].job_id).delete()

    assert forget_draws(AT) == 1
    assert SegmentDraw.objects.get().allocation == made[1]


@pytest.mark.parametrize("most", [0, -1, 1_000_001])
def test_so_many_is_at_least_one_and_at_most_a_million(floor, most):
    with pytest.raises(LimitWrong):
        give(floor, a_segment(floor, people(floor, 1)), most=most)


def test_who_confirms_what_holds_no_longer_is_refused(floor):
    segment = a_segment(floor, people(floor, 2))
    first = give(floor, segment, most=1, seen=0)

    with pytest.raises(AssignedMeanwhile):
        give(floor, segment, most=1, seen=0)

    assert give(floor, segment, most=1, seen=first.pk).pk != first.pk


@pytest.mark.parametrize("wrong", [{"seed": None}, {"most": 0}, {"lead_count": 2}])
def test_the_database_holds_no_half_limit_and_not_too_many_leads(floor, wrong):
    made = given(floor, a_segment(floor, people(floor, 3)), most=1)

    with pytest.raises(IntegrityError), transaction.atomic():
        SegmentAllocation.objects.filter(pk=made.pk).update(**wrong)


def test_a_large_segment_is_estimated_from_every_so_manieth(floor, monkeypatch):
    monkeypatch.setattr(segment_draws, "ASKED", 4)
    customers = people(floor, 12)
    Customer.objects.filter(pk__in=[row.pk for row in customers[::3]]).update(is_suppressed=True)
    segment = a_segment(floor, customers)

    found = segment_draws.outlook(floor.campaign, segment, ids=ids_of(segment), at=AT)

    # every third is asked about, and these are the suppressed ones
    assert (found.customers, found.able, found.left_out, found.is_exact) == (12, 0, {"suppressed": 12}, False)


# ---------------------------------------------------------------- the page


def test_what_would_come_of_it_is_shown_before_anything_is_made(client, floor):
    client.force_login(person("data", city=floor.city))
    customers = people(floor, 4)
    Customer.objects.filter(pk=customers[0].pk).update(is_suppressed=True)
    segment = a_segment(floor, customers)
    data = {"segment": segment.pk, "campaign": floor.campaign.pk, "priority": 6, "most": 2, "order": "random"}

    asked = client.post(url("segment_allocate"), data)

    assert "2 customers of Seniors would become leads" in text(asked)
    assert (asked.context["outlook"].able, asked.context["left_out"]) == (3, [("Suppressed", 1)])
    assert not SegmentAllocation.objects.exists()

    confirmed = data | {"seen": asked.context["seen"]}
    answers = [client.post(url("segment_allocate"), confirmed) for _time in range(2)]

    made = SegmentAllocation.objects.get()
    assert (made.most, made.order, made.priority) == (2, "random", 6)
    assert [answer.status_code for answer in answers] == [302, 200]
    assert "assigned to this campaign meanwhile" in text(answers[1])


def test_the_result_leads_to_the_next_so_many(client, floor):
    client.force_login(person("data", city=floor.city))
    segment = a_segment(floor, people(floor, 3))
    made = given(floor, segment, most=2)

    page = client.get(url("segment_allocation", made.pk))
    form = client.get(page.context["next_url"])

    assert "Assign the next 2" in text(page)
    assert (form.context["form"]["most"].value(), form.context["form"]["segment"].value()) == ("2", str(segment.pk))
    assert not client.get(url("segment_allocation", given(floor, segment, most=2).pk)).context["next_url"]


# ---------------------------------------------------------------- the API


def post(client, user, path="", headers=None, **told):
    client.force_login(user)
    return client.post(URL + path, told, content_type="application/json", headers=headers or {})


def test_another_system_asks_what_would_come_of_it_and_gives_so_many(client, floor):
    clerk = person("data", city=floor.city)
    segment = a_segment(floor, people(floor, 3))
    wish = {"campaign": floor.campaign.pk, "segment": segment.pk, "most": 2}

    seen = post(client, clerk, "outlook/", **wish)
    answer = post(client, clerk, priority=7, order="name", **wish)
    run_inline(answer.json()["job"])
    told = client.get(f"{URL}{answer.json()['id']}/").json()

    assert seen.json() == {"customers": 3, "able": 3, "made": 2, "left_out": {}, "is_exact": True}
    assert answer.status_code == 202
    assert {name: told[name] for name in ("most", "order", "priority", "lead_count", "left_out")} == {
        "most": 2, "order": "name", "priority": 7, "lead_count": 2, "left_out": {"not_drawn": 1},
    }  # fmt: skip
    assert [row["id"] for row in client.get(f"{URL}?segment={segment.pk}").json()["results"]] == [told["id"]]


def test_the_same_key_gives_once(client, floor):
    clerk = person("data", city=floor.city)
    wish = {"campaign": floor.campaign.pk, "segment": a_segment(floor, people(floor, 3)).pk, "most": 1}

    answers = [post(client, clerk, headers={"Idempotency-Key": "k"}, **wish).json()["id"] for _time in range(2)]

    assert answers[0] == answers[1]
    assert SegmentAllocation.objects.count() == 1


def test_everybody_is_given_where_no_limit_is_named_and_the_same_count_once(client, floor):
    clerk = person("data", city=floor.city)
    wish = {"campaign": floor.campaign.pk, "segment": a_segment(floor, people(floor, 3)).pk}

    first, again = post(client, clerk, **wish), post(client, clerk, **wish)
    run_inline(first.json()["job"])

    assert (first.json()["id"], Lead.objects.count()) == (again.json()["id"], 3)


@pytest.mark.parametrize("wrong", [{"most": 0}, {"priority": 10}])
def test_what_cannot_be_given_is_409_with_a_sentence(client, floor, wrong):
    wish = {"campaign": floor.campaign.pk, "segment": a_segment(floor, people(floor, 1)).pk} | wrong

    answer = post(client, person("data", city=floor.city), **wish)

    assert (answer.status_code, bool(answer.json()["detail"])) == (409, True)


def test_an_empty_segment_gives_nobody(client, floor):
    segment = counted(a_segment(floor, []), [])
    wish = {"campaign": floor.campaign.pk, "segment": segment.pk}

    answers = [post(client, person("data"), path, **wish) for path in ("", "outlook/")]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert answers[0].json()["detail"] == "Nobody is in Seniors."


def test_another_city_neither_gives_nor_sees_it(client, floor):
    segment = a_segment(floor, people(floor, 1))
    made = given(floor, segment)
    stranger = person("data", city=CityFactory())
    wish = {"campaign": floor.campaign.pk, "segment": segment.pk}

    answers = [post(client, stranger, path, **wish).status_code for path in ("", "outlook/")]

    assert answers == [400, 400]
    assert client.get(URL).json()["results"] == []
    assert client.get(f"{URL}{made.pk}/").status_code == 404


def test_who_reads_campaigns_gives_nothing_and_agents_do_not_even_read(client, floor):
    wish = {"campaign": floor.campaign.pk, "segment": a_segment(floor, people(floor, 1)).pk}

    answers = [
        post(client, person("supervisor", city=floor.city), path, **wish).status_code for path in ("", "outlook/")
    ]
    client.force_login(agent_of(floor.team))

    assert answers == [403, 403]
    assert client.get(URL).status_code == 403
    assert reverse("api:segment-allocation-list") == URL
