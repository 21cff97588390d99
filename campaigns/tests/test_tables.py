"""Columns of numbers by person: joined, compared, sent and found again."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from campaigns.funnel.tables import WIDTH, Table, numbers


def table(*rows: tuple[int, int], name: str = "until") -> Table:
    persons, values = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)) if rows else ([], [])
    return Table.of(
        [{"person": np.array(persons, dtype=np.int64), name: np.array(values, dtype=np.int64)}], "person", name
    )


def rows(found: Table, name: str = "until") -> list[tuple[int, int]]:
    return list(zip(found["person"].tolist(), found[name].tolist(), strict=True))


def test_groups_are_put_together_in_the_order_of_persons():
    groups = [{"person": np.array([9, 2]), "kind": 5}, {"person": np.array([4]), "kind": np.array([7])}]

    assert rows(Table.of(groups, "person", "kind"), "kind") == [(2, 5), (4, 7), (9, 5)]
    assert rows(Table.of([], "person", "kind"), "kind") == []


def test_some_are_replaced_some_go_and_some_come():
    before = table((1, 10), (3, 30), (5, 50), (7, 70))

    after = before.with_anew(np.array([0, 3, 5, 9]), table((0, 1), (5, 55), (9, 90)))

    assert rows(after) == [(0, 1), (1, 10), (5, 55), (7, 70), (9, 90)]
    assert rows(before) == [(1, 10), (3, 30), (5, 50), (7, 70)]
    assert rows(before.with_anew(np.array([3, 7]), table((3, 31), (7, 70)))) == [(1, 10), (3, 31), (5, 50), (7, 70)]
    assert rows(before.with_anew(np.array([3, 4]), table((4, 40)))) == [(1, 10), (4, 40), (5, 50), (7, 70)]
    assert rows(before) == [(1, 10), (3, 30), (5, 50), (7, 70)]
    assert rows(table().with_anew(np.array([4]), table((4, 1)))) == [(4, 1)]
    assert rows(before.with_anew(np.array([], dtype=int), table())) == rows(before)


def test_unlike_are_those_in_one_alone_and_those_with_another_number():
    before, after = table((1, 10), (3, 30), (5, 50)), table((1, 10), (3, 31), (8, 80))

    assert sorted(before.unlike(after, "until").tolist()) == [3, 5, 8]
    assert before.unlike(before, "until").tolist() == table().unlike(table(), "until").tolist() == []
    assert sorted(table().unlike(after, "until").tolist()) == [1, 3, 8]


@pytest.mark.parametrize("persons", [[], [7], [1, 2, 3], [3_000_000, 3_000_001, 3_000_900], [1, 70_000, 5_000_000_000]])
def test_what_is_sent_is_found_again(persons):
    who = np.array(persons, dtype=np.int64)
    sent = Table.of(
        [{"person": who, "kind": who % 70_000, "ended": 15, "free": 10**17, "due": -1}], *WIDTH.keys() - {"until"}
    )

    found = pickle.loads(pickle.dumps(sent))

    for name, column in sent.columns.items():
        assert found[name].tolist() == column.tolist()
        assert found[name].dtype == WIDTH[name]


def test_a_million_neighbours_are_sent_in_some_bytes_each():
    who = np.arange(4_000_000, 5_000_000)
    sent = pickle.dumps(Table.of([{"person": who, "kind": who % 300, "ended": who % 16}], "person", "kind", "ended"))

    assert len(sent) < 4.1 * len(who)


def test_numbers_as_the_database_sends_them():
    assert numbers(memoryview(b"\0\0\0\0\0\0\0\x05\xff\xff\xff\xff\xff\xff\xff\xff")).tolist() == [5, -1]
    assert numbers(None).tolist() == []
