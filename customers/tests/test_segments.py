"""Segments: made, counted, followed by a tag, archived; the value grid; the quick count."""

import math
import random
import threading
from datetime import date, timedelta

import pytest
from django.db import connection

from core.clock import database_now
from core.jobs import run_inline
from core.models import AuditEvent, Job
from customers import counting
from customers.conditions import BadConditions, matching, parse
from customers.models import Customer, CustomerTag, Segment, SegmentMembers, Tag
from customers.retention import forget_segment_members
from customers.services import persons, segment_members, segments
from customers.services.segments import Grid, Square, Told
from customers.tests.factories import CustomerFactory
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db

OLD = {"version": 1, "root": {"group": "and", "parts": [{"is": "age", "op": "at_least", "value": 60}]}}
YOUNG = {"version": 1, "root": {"group": "and", "parts": [{"is": "age", "op": "at_most", "value": 30}]}}


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def data(city):
    return UserFactory(role="data", city=city)


def make(by, city, **told):
    told = {"name": "Seniors", "conditions": OLD, **told}
    return segments.create_segment(told=Told(**told), city=city, by=by, at=database_now())


def change(segment, by, **told):
    told = {"name": segment.name, "conditions": segment.conditions, **told}
    return segments.change_segment(segment=segment, told=Told(**told), by=by, at=database_now())


def work():
    """Everything that waits is done."""
    while job := Job.objects.filter(state__in=["queued", "blocked"]).order_by("id").first():
        Job.objects.filter(pk=job.pk, state="blocked").update(state="queued")
        assert run_inline(job.pk)
        job.refresh_from_db()
        assert job.state == "done", job.last_error


def members(segment):
    return list(SegmentMembers.objects.get(segment=segment).ids)


def tagged(name):
    return sorted(CustomerTag.objects.filter(tag__name=name).values_list("customer__name", flat=True))


# ---------------------------------------------------------------- made and counted


def test_a_segment_is_counted_after_it_was_made_and_holds_its_citys_customers_alone(data, city):
    old = [CustomerFactory(city=city, age=age) for age in (60, 75)]
    CustomerFactory(city=city, age=59)
    CustomerFactory(age=80)

    segment = make(data, city)
    work()

    segment.refresh_from_db()
    assert (segment.count, members(segment)) == (2, [customer.pk for customer in old])
    assert segment.counted_at is not None
    assert Job.objects.get(pk=segment.job_id).result == {"members": 2}
    assert AuditEvent.objects.filter(action="customers.segment.created", subject_id=str(segment.pk)).count() == 1


def test_a_segment_of_the_region_holds_the_customers_of_all_cities(city):
    CustomerFactory(city=city, age=60)
    CustomerFactory(age=80)

    segment = make(UserFactory(role="data"), None)
    work()

    segment.refresh_from_db()
    assert segment.count == 2


def test_counting_goes_over_windows_of_ids(data, city, monkeypatch):
    monkeypatch.setattr(segment_members, "WINDOW", 2)
    old = [CustomerFactory(city=city, age=60 + n) for n in range(5)]

    segment = make(data, city, tag="senior")
    work()

    assert members(segment) == [customer.pk for customer in old]
    assert len(tagged("senior")) == 5


@pytest.mark.parametrize(
    ("told", "refusal"),
    [
        ({"name": " "}, segments.SegmentUnnamed),
        ({"name": "Taken"}, segments.SegmentExists),
        ({"tag": "taken"}, segments.TagFollowsAnother),
        ({"conditions": {"version": 1}}, BadConditions),
    ],
)
def test_a_segment_is_refused_without_a_name_of_its_own_or_with_conditions_that_are_none(data, city, told, refusal):
    make(data, city, name="Taken", tag="taken")

    with pytest.raises(refusal):
        make(data, city, **told)
    assert Segment.objects.count() == 1


def test_who_works_in_a_city_makes_no_segment_of_the_region_or_of_another_city(data):
    for place in (None, CityFactory()):
        with pytest.raises(segments.NotYourPlace):
            make(data, place)


def test_other_conditions_are_counted_anew_and_another_name_is_not(data, city):
    CustomerFactory(city=city, age=20)
    segment = make(data, city)
    work()

    change(segment, data, name="Elders")
    assert not Job.objects.open().exists()
    change(segment, data, conditions=YOUNG)
    work()

    segment.refresh_from_db()
    assert segment.count == 1


def test_conditions_changed_while_it_is_counted_are_those_that_are_stored(data, city, monkeypatch):
    young = CustomerFactory(city=city, age=20)
    segment = make(data, city)
    gather, changed = segment_members._gather, []

    def and_change(*args):
        found = gather(*args)
        if not changed:
            changed.append(Segment.objects.filter(pk=segment.pk).update(conditions=YOUNG))
        return found

    monkeypatch.setattr(segment_members, "_gather", and_change)
    work()

    assert members(segment) == [young.pk]


def test_whoever_asks_twice_gets_the_job_that_is_at_work(data, city):
    segment = make(data, city)

    jobs = {segments.ask_refresh(segment=segment, by=data, at=database_now()).pk for _ in range(2)}
    work()
    later = segments.ask_refresh(segment=segment, by=data, at=database_now()).pk

    assert jobs == {segment.job_id}
    assert later != segment.job_id


def test_segments_are_counted_on_their_nights(data, city):
    for refresh in Segment.Refresh.values:
        make(data, city, name=refresh, refresh=refresh)
    work()

    tuesday = segment_members.refresh_due(day=date(2026, 11, 24), at=database_now())
    work()
    monday = segment_members.refresh_due(day=date(2026, 11, 23), at=database_now())

    assert (tuesday, monday) == (1, 2)


def test_an_archived_segment_forgets_its_customers_and_is_neither_changed_nor_counted(data, city):
    CustomerFactory(city=city, age=60, name="Old")
    segment = make(data, city, tag="senior")
    work()

    segments.archive_segment(segment=segment, by=data, at=database_now())
    work()

    assert not SegmentMembers.objects.exists()
    assert tagged("senior") == []
    for verb in (
        lambda: change(segment, data),
        lambda: segments.ask_refresh(segment=segment, by=data, at=database_now()),
        lambda: segments.archive_segment(segment=segment, by=data, at=database_now()),
    ):
        with pytest.raises(segments.SegmentArchived):
            verb()
    make(data, city, tag="senior")  # name and tag are free again


def test_a_segment_that_nobody_counts_for_a_year_forgets_its_customers(data, city):
    segment = make(data, city)
    work()

    assert forget_segment_members(database_now() + timedelta(days=364)) == 0
    assert forget_segment_members(database_now() + timedelta(days=366)) == 1
    segment.refresh_from_db()
    assert segment.count == 0


# ---------------------------------------------------------------- a tag that follows


def test_a_tag_follows_its_segment_and_leaves_what_was_set_by_hand(data, city):
    at = database_now()
    leaves = CustomerFactory(city=city, age=60, name="Leaves")
    CustomerFactory(city=city, age=61, name="Stays")
    by_hand, taken_over = (
        CustomerFactory(city=city, age=20, name="By hand"),
        CustomerFactory(city=city, age=62, name="Kept"),
    )
    persons.add_tag(customer=by_hand, name="senior", by=data, at=at)
    segment = make(data, city, tag="senior")
    work()
    assert tagged("senior") == ["By hand", "Kept", "Leaves", "Stays"]

    persons.add_tag(customer=taken_over, name="senior", by=data, at=at)
    Customer.objects.filter(pk__in=[leaves.pk, taken_over.pk]).update(age=30)
    segments.ask_refresh(segment=segment, by=data, at=at)
    work()

    assert tagged("senior") == ["By hand", "Kept", "Stays"]


def test_another_tag_takes_the_place_of_the_one_that_followed(data, city):
    CustomerFactory(city=city, age=60, name="Old")
    segment = make(data, city, tag="senior")
    work()

    change(segment, data, tag="elder")
    work()
    assert (tagged("senior"), tagged("elder")) == ([], ["Old"])

    change(segment, data, tag="")
    work()
    assert tagged("elder") == []


# ---------------------------------------------------------------- the value grid

GRID = Grid(use="minutes", use_from=1, bought_days=365, potential="ARPU", potential_from=100)
SQUARES = {name: Square(strategy=f"how to treat {name}", target=10) for name in ("NO IT", "BIG", "HIPO", "LOPO")}


def make_grid(by, city):
    return segments.create_value_grid(
        grid=GRID, squares=SQUARES, city=city, refresh="weekly", sets_tags=True, by=by, at=database_now()
    )


def test_the_value_grid_puts_everybody_into_one_of_four_segments(data, city):
    for name, attributes in [
        ("nothing", {}),
        ("zero", {"minutes": 0, "ARPU": 500}),
        ("rich", {"minutes": 20, "ARPU": 100}),
        ("poor", {"minutes": 20, "ARPU": 99.5}),
        ("untold", {"minutes": 20}),
    ]:
        CustomerFactory(city=city, name=name, attributes=attributes)

    made = make_grid(data, city)
    work()

    assert [segment.name for segment in made] == ["NO IT", "BIG", "HIPO", "LOPO"]
    assert [tagged(segment.name) for segment in made] == [["nothing", "zero"], [], ["rich"], ["poor", "untold"]]
    assert {(segment.strategy, segment.target) for segment in made} == {
        (square.strategy, square.target) for square in SQUARES.values()
    }


def test_the_value_grid_is_made_whole_or_not_at_all(data, city):
    make(data, city, name="LOPO")

    with pytest.raises(segments.SegmentExists):
        make_grid(data, city)
    assert Segment.objects.count() == 1
    assert not Tag.objects.exists()


# ---------------------------------------------------------------- the quick count


def test_few_customers_are_counted_exactly_and_shown(city):
    old = [CustomerFactory(city=city, age=60 + n) for n in range(3)]
    CustomerFactory(city=city, age=20)

    count = counting.count_quickly(matching(parse(OLD, user=None), at=database_now()))

    assert (count.n, count.about, count.is_exact) == (3, 3, True)
    assert count.ids == [customer.pk for customer in old]


def test_what_is_too_much_to_count_is_told_from_a_sample_with_its_bounds(monkeypatch):
    monkeypatch.setattr(counting, "CHEAP", 0)
    first = CustomerFactory()
    Customer.objects.bulk_create(
        Customer(id=first.pk + n, city=first.city, age=60 if n % 4 == 0 else 20) for n in range(1, 9_001)
    )
    monkeypatch.setattr(counting, "DRAWN", 2_000)
    monkeypatch.setattr(counting, "SECONDS", 0)

    count = counting.count_quickly(matching(parse(OLD, user=None), at=database_now()), draw=random.Random(7))

    assert not count.is_exact
    assert count.low <= 2_250 <= count.high
    assert count.high - count.low < 900
    assert count.about == counting.rounded(count.n)
    assert len(count.ids) == 10


def test_the_bounds_hold_in_at_least_95_of_100_cases_also_of_a_rare_share():
    """By all possible samples, each with its chance: one customer in a million, one in 17,647 (where Wilson's plain interval misses 16 of 100) ..."""
    for share in (1e-6, 0.17 / 3_000, 1 / 3_000, 0.0012, 0.01, 0.3, 0.5, 0.97, 1 - 0.17 / 3_000):
        assert 0.95 <= chance_within(3_000, share) <= 1, share


def chance_within(drawn: int, share: float) -> float:
    chance = {
        hits: math.exp(
            math.lgamma(drawn + 1) - math.lgamma(hits + 1) - math.lgamma(drawn - hits + 1)
            + hits * math.log(share) + (drawn - hits) * math.log1p(-share)
        )
        for hits in range(drawn + 1)
    }  # fmt: skip
    assert sum(chance.values()) == pytest.approx(1)
    within = (hits for hits in chance if counting.bounds(hits, drawn)[0] <= share <= counting.bounds(hits, drawn)[1])
    return sum(chance[hits] for hits in within)


def test_of_many_estimates_the_exact_count_lies_between_the_bounds(monkeypatch):
    first = CustomerFactory()
    Customer.objects.bulk_create(
        Customer(id=first.pk + n, city=first.city, age=60 if n % 50 == 0 else 20) for n in range(1, 5_001)
    )
    rows, draw = matching(parse(OLD, user=None), at=database_now()), random.Random(3)
    monkeypatch.setattr(counting, "DRAWN", 300)

    counts = [counting.sampled(rows, draw=draw, until=0) for _time in range(200)]

    assert rows.count() == 100
    assert sum(count.low <= 100 <= count.high for count in counts) >= 190
    assert not any(count.is_exact for count in counts)


def test_a_count_that_takes_longer_than_expected_is_given_up_and_the_limit_of_the_page_comes_back(monkeypatch):
    from django.db import connection

    def limit():
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return cursor.fetchone()[0]

    CustomerFactory(age=60)
    before = limit()
    rows = matching(parse(OLD, user=None), at=database_now())

    assert counting._exact(rows.extra(where=["pg_sleep(1) IS NOT NULL"])) is None
    assert limit() == before
    assert counting._exact(rows).n == 1
    assert limit() == before


@pytest.mark.parametrize(("n", "shown"), [(0, 0), (99, 99), (1_234, 1_200), (987_654, 990_000), (1_050_000, 1_000_000)])
def test_an_estimate_has_two_digits(n, shown):
    assert counting.rounded(n) == shown


# ---------------------------------------------------------------- two at the same moment


def at_the_same_moment(monkeypatch, verbs):
    """Both look before either writes, so that only the constraint can tell them apart. Returns what came of each."""
    both_have_looked, answers = threading.Barrier(2, timeout=20), []
    store = segments._store

    def store_late(segment):
        both_have_looked.wait()
        store(segment)

    monkeypatch.setattr(segments, "_store", store_late)

    def run(verb):
        try:
            answers.append(verb().name)
        except segments.DomainError as refusal:
            answers.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(answers)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_make_the_same_name_at_the_same_moment_the_second_reads_the_sentence(city, monkeypatch):
    clerks = [UserFactory(role="data", city=city) for _ in range(2)]

    answers = at_the_same_moment(monkeypatch, [lambda by=by: make(by, city) for by in clerks])

    assert answers == ["Seniors", "There is a segment Seniors already."]
    assert Segment.objects.count() == Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_rename_to_the_same_name_at_the_same_moment_the_second_reads_the_sentence(data, city, monkeypatch):
    rows = [make(data, city, name=name) for name in ("One", "Two")]

    answers = at_the_same_moment(monkeypatch, [lambda row=row: change(row, data, name="Seniors") for row in rows])

    assert answers == ["Seniors", "There is a segment Seniors already."]
    assert Segment.objects.filter(name="Seniors").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_segments_that_take_one_tag_at_the_same_moment_the_second_reads_the_sentence(data, city, monkeypatch):
    Tag.objects.create(name="old")

    answers = at_the_same_moment(
        monkeypatch, [lambda name=name: make(data, city, name=name, tag="old") for name in ("One", "Two")]
    )

    assert "The tag old follows another segment already." in answers
    assert Segment.objects.count() == 1
