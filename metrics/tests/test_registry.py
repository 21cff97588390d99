"""The definitions, and that nobody else divides."""

import ast
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from metrics import registry
from metrics.peak import best_by_luck


def test_every_indicator_is_made_of_known_measures_and_says_what_it_is():
    known = registry.measures()
    for found in registry.indicators():
        assert found.measures <= known.keys(), found.key
        assert str(found.label), found.key
        assert str(found.formula), found.key
        assert str(found.tells), found.key
        assert found.version >= 1


def test_without_a_denominator_there_is_no_figure():
    rate = registry.indicator("success_rate")

    assert rate.value({"customers_won": 0, "customers_reached": 0}) is None
    assert rate.value({"customers_won": 3, "customers_reached": 40}) == 7.5
    assert rate.is_small({"customers_won": 3, "customers_reached": 29})
    assert not rate.is_small({"customers_won": 3, "customers_reached": 30})


def test_a_measure_that_is_not_known_gives_no_figure():
    assert registry.indicator("orders_per_agent_hour").value({"orders": 3, "signed_in_seconds": None}) is None


def test_cancellations_are_young_for_sixty_days():
    found = registry.indicator("cancellation_rate")

    assert found.is_young(date(2026, 3, 31), date(2026, 5, 29))
    assert not found.is_young(date(2026, 3, 31), date(2026, 5, 30))
    assert not registry.indicator("contact_rate").is_young(date(2026, 3, 31), date(2026, 3, 31))


def test_the_best_hour_of_a_day_at_a_true_eight_percent_shows_about_twenty_by_luck():
    sizes = [18] * 8

    draws = np.random.default_rng(1).binomial(18, 0.08, size=(40_000, 8)).max(axis=1).mean() / 18

    assert best_by_luck(sizes, won=round(0.08 * sum(sizes))) == pytest.approx(0.2, abs=0.02)
    assert best_by_luck([18] * 800, won=1152) > best_by_luck(sizes, won=12)
    assert best_by_luck(sizes, won=round(0.08 * sum(sizes))) == pytest.approx(draws, abs=0.01)


MEASURES = set(registry.measures())
MAY_DIVIDE = {"metrics/registry.py", "metrics/peak.py"}


def divisions_of_measures(path: Path) -> list[str]:
    """Divisions in which a measure or the counts of a row take part."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv):
            names = {
                getattr(part, "id", None) or getattr(part, "attr", None) or getattr(part, "value", None)
                for part in ast.walk(node)
            }
            if any(isinstance(name, str) and (name == "counts" or name in MEASURES) for name in names):
                found.append(f"{path}:{node.lineno}")
    return found


def test_nobody_but_the_registry_divides_measures():
    found = []
    for app in ("metrics", "qa", "staffing", "telemkt"):
        for path in sorted((Path(settings.BASE_DIR) / app).rglob("*.py")):
            name = path.relative_to(settings.BASE_DIR).as_posix()
            if "/tests/" not in name and "/migrations/" not in name and name not in MAY_DIVIDE:
                found += divisions_of_measures(path)

    assert found == []


def test_the_guard_sees_a_view_that_divides(tmp_path):
    view = tmp_path / "views.py"
    view.write_text("def rate(row):\n    return row.counts['customers_won'] / row.counts['customers_reached']\n")

    assert len(divisions_of_measures(view)) == 1
