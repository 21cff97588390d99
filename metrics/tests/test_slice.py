"""Every figure of the committed history equals what was counted without the product."""

from datetime import date

import pytest

from core.jobs import enqueue, run_inline
from metrics.tests import slices
from metrics.tests.comparing import ours
from metrics.tests.make_slice import SECTIONS, counted, history

pytestmark = pytest.mark.django_db


def test_the_committed_figures_are_those_of_the_committed_script():
    assert counted(history()) == slices.expected()


def test_every_figure_of_two_thousand_persons_equals_the_independent_count():
    slices.load()
    expected, names = slices.expected(), None

    run_inline(enqueue(kind="metrics.rollup", key="slice").pk)

    names = slices.names()
    for section, (grain, by) in SECTIONS.items():
        wanted = list(next(iter(expected[section].values())))
        assert ours(date(2026, 1, 1), date(2026, 4, 30), grain, by, names, wanted) == expected[section], section


def test_ranges_that_cut_weeks_and_months_are_counted_from_their_days():
    slices.load()
    run_inline(enqueue(kind="metrics.rollup", key="slice").pk)
    first, last = date(2026, 2, 11), date(2026, 4, 2)
    rows = [
        row
        for row in slices.rows()
        if first.isoformat() <= row["started_at"][:10] <= last.isoformat() and row["direction"] == "outbound"
    ]

    found = ours(first, last, "total", (), {}, ["customers_called", "customers_reached"])

    assert found["total"] == {
        "customers_called": len({row["customer"] for row in rows}),
        "customers_reached": len({row["customer"] for row in rows if row["connected"] == "1"}),
    }
