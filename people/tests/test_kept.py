"""What is kept in memory is never old, and is read once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction

from core import kept
from core.clock import database_now
from core.models import RoomChange
from people.models import City

pytestmark = pytest.mark.django_db


def room_with(reads, most=kept.MOST):
    @kept.by("people", most=most)
    def names(first: str) -> list[str]:
        reads.append(first)
        return list(City.objects.filter(name__startswith=first).order_by("name").values_list("name", flat=True))

    return names


@pytest.fixture
def reads():
    return []


@pytest.fixture
def names(reads):
    City.objects.create(code="A1", name="Anqing")
    return room_with(reads)


def looked(read, *args):
    with kept.look():
        return read(*args)


def test_what_did_not_change_is_read_once(names, reads):
    assert [looked(names, "A") for _time in range(3)] == [["Anqing"]] * 3
    assert reads == ["A"]


def test_each_question_has_its_own_answer(names, reads):
    assert (looked(names, "A"), looked(names, "B"), looked(names, "A")) == (["Anqing"], [], ["Anqing"])
    assert reads == ["A", "B"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda: City.objects.create(code="A2", name="Anyang"), ["Anqing", "Anyang"]),
        (lambda: City.objects.filter(code="A1").update(name="Ankang"), ["Ankang"]),
        (lambda: City.objects.filter(code="A1").delete(), []),
    ],
    ids=["made", "changed", "gone"],
)
def test_a_change_is_seen_by_the_next_who_looks(names, change, expected):
    looked(names, "A")

    change()

    assert looked(names, "A") == expected


def test_a_change_elsewhere_leaves_it(names, reads):
    looked(names, "A")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO core_change (room, weight) VALUES ('elsewhere', 1)")

    looked(names, "A")

    assert reads == ["A"]


def test_who_does_not_look_reads(names, reads):
    looked(names, "A")
    City.objects.filter(code="A1").update(name="Ankang")

    assert names("A") == ["Ankang"]
    assert reads == ["A", "A"]


def test_a_change_that_was_taken_back_leaves_nothing_of_itself(names):
    """What was kept while it stood is not taken for what came in its place."""
    looked(names, "A")
    with transaction.atomic():
        City.objects.filter(code="A1").update(name="Ankang")
        assert looked(names, "A") == ["Ankang"]
        transaction.set_rollback(True)
    assert looked(names, "A") == ["Anqing"]

    City.objects.filter(code="A1").update(name="Anlu")

    assert looked(names, "A") == ["Anlu"]


def test_of_a_room_of_which_nothing_was_told_nothing_is_kept(names, reads):
    RoomChange.objects.filter(room="people").delete()

    looked(names, "A")
    looked(names, "A")

    assert reads == ["A", "A"]


def test_notes_put_together_change_nothing_for_who_looks(names, reads):
    for number in range(kept.FOLDED_ABOVE + 2):
        City.objects.filter(code="A1").update(name=f"Anqing {number}")
    before = looked(names, "A")

    kept.fold()

    assert looked(names, "A") == before
    assert len(reads) == 1
    assert RoomChange.objects.filter(room="people").count() == 1
    City.objects.filter(code="A1").update(name="Anlu")
    assert looked(names, "A") == ["Anlu"]


def test_few_notes_stay_as_they_are(names):
    City.objects.filter(code="A1").update(name="Anlu")
    before = list(RoomChange.objects.values_list("pk", flat=True))

    kept.fold()

    assert list(RoomChange.objects.values_list("pk", flat=True)) == before


def test_of_many_questions_the_oldest_falls_away(names):
    reads = []
    few = room_with(reads, most=2)
    for first in ("A", "B", "C", "C", "B", "A"):
        looked(few, first)

    assert reads == ["A", "B", "C", "A"]


def test_a_look_tells_the_clock():
    with kept.look() as at:
        assert timedelta() <= database_now() - at < timedelta(minutes=1)
