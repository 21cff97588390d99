from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.cache import cache
from django.utils import translation

from core import calendar
from core.models import AuditEvent, Holiday

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fresh_cache():
    cache.clear()


def test_a_business_day_is_cut_in_the_regions_zone(settings):
    settings.TIME_ZONE = "Asia/Shanghai"

    assert calendar.business_date(datetime(2008, 5, 5, 15, 59, tzinfo=UTC)) == date(2008, 5, 5)
    assert calendar.business_date(datetime(2008, 5, 5, 16, 0, tzinfo=UTC)) == date(2008, 5, 6)
    start, end = calendar.day_bounds(date(2008, 5, 6))
    assert start == datetime(2008, 5, 5, 16, tzinfo=UTC)
    assert end - start == timedelta(hours=24)


def test_the_day_of_the_clock_change_is_an_hour_shorter(settings):
    settings.TIME_ZONE = "Europe/Paris"

    start, end = (moment.astimezone(UTC) for moment in calendar.day_bounds(date(2026, 3, 29)))

    assert end - start == timedelta(hours=23)


@pytest.mark.parametrize(
    ("day", "week"), [(date(2008, 5, 6), "2008-W19"), (date(2027, 1, 1), "2026-W53"), (date(2024, 12, 30), "2025-W01")]
)
def test_iso_weeks_belong_to_the_weeks_year(day, week):
    assert calendar.iso_week(day) == week


def test_months_and_ranges():
    assert calendar.month_label(date(2008, 5, 31)) == "2008-05"
    assert calendar.next_month(date(2026, 12, 31)) == date(2027, 1, 1)
    assert calendar.next_month(date(2026, 1, 31)) == date(2026, 2, 1)
    assert list(calendar.days(date(2026, 2, 27), date(2026, 3, 1))) == [
        date(2026, 2, 27),
        date(2026, 2, 28),
        date(2026, 3, 1),
    ]
    assert calendar.week_start(date(2026, 11, 22)) == date(2026, 11, 16)


@pytest.mark.django_db
def test_the_public_calendar_of_china_is_known_with_its_make_up_days():
    """State Council notice for 2026: spring festival 15 to 23 February, worked on the 14th and 28th."""
    assert not calendar.is_workday(date(2026, 2, 17))
    assert calendar.is_workday(date(2026, 2, 14))  # a Saturday
    assert calendar.is_workday(date(2026, 2, 28))
    assert not calendar.is_workday(date(2026, 11, 22))  # a plain Sunday
    assert calendar.is_workday(date(2026, 11, 23))


@pytest.mark.django_db
def test_filling_a_year_twice_adds_nothing_and_spares_what_people_entered():
    calendar.set_day(day=date(2026, 2, 17), is_workday=True, name="ours", by=None, at=AT)

    added = calendar.fill_year(2026)

    assert added == Holiday.objects.count() - 1 > 10
    assert calendar.fill_year(2026) == 0
    assert Holiday.objects.get(day=date(2026, 2, 17)).name == "ours"


@pytest.mark.django_db(transaction=True)
def test_a_day_entered_by_hand_holds_at_once_and_until_it_is_taken_out():
    calendar.fill_year(2026)
    assert calendar.is_workday(date(2026, 11, 23))

    row = calendar.set_day(day=date(2026, 11, 23), is_workday=False, name="", by=None, at=AT)
    assert not calendar.is_workday(date(2026, 11, 23))

    calendar.clear_day(holiday=row, by=None, at=AT)
    assert calendar.is_workday(date(2026, 11, 23))
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == [
        "core.calendar.day_set",
        "core.calendar.day_cleared",
    ]


def test_holidays_are_named_in_the_readers_language():
    with translation.override("zh-hans"):
        assert "春节" in calendar.library_days(2026)[date(2026, 2, 17)][0]
    with translation.override("en"):
        assert "Spring Festival" in calendar.library_days(2026)[date(2026, 2, 17)][0]
