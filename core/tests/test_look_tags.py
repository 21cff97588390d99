"""Figures and small bars are written as the look asks, in both languages."""

from datetime import timedelta

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import translation

from core.templatetags import look


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (look.thousands, 1234567, "1,234,567"),
        (look.thousands, 0, "0"),
        (look.thousands, None, "–"),
        (look.clock, 0, "0:00"),
        (look.clock, 291, "4:51"),
        (look.clock, 4000, "1:06:40"),
        (look.clock, 59.6, "1:00"),
        (look.clock, None, "–"),
        (look.fixed, 0.194, "0.19"),
        (look.fixed, -1.5, "−1.50"),
        (look.signed, -39, "−39"),
        (look.signed, 7, "+7"),
        (look.signed, 0, "0"),
        (look.initials, "陈美玲", "陈"),
        (look.initials, "Li Huimin", "LH"),
        (look.initials, "admin", "A"),
        (look.initials, "", ""),
        (look.unlocal, 45211, "45211"),
        (look.minutes, timedelta(seconds=61), 2),
    ],
)
def test_a_figure_is_written_as_people_read_it(write, value, text):
    assert write(value) == text


def test_percent_has_a_space_in_english_and_none_in_chinese():
    with translation.override("en"):
        assert look.percent(0.0647) == "6.5\N{NO-BREAK SPACE}%"
    with translation.override("zh-hans"):
        assert look.percent(0.0647) == "6.5%"
    assert look.percent(None) == "–"


def test_a_difference_that_rounds_to_nothing_has_no_sign():
    assert look.signed(-0.04, 1) == "0.0"


def test_the_notch_stands_at_the_expectation_and_the_bar_at_the_value():
    bar = look.bullet(50, 80, 100)

    assert '<rect class="notch" x="80.0%"' in bar
    assert 'class="val " width="50.0%"' in bar


def test_a_bar_never_leaves_its_track_and_nothing_known_draws_nothing():
    assert 'width="100.0%" height="6"' in look.bullet(300, None, 100)
    assert 'class="val " width="0.0%"' in look.bullet(None, None, None)
    assert "notch" not in look.bullet(5, None, 10)


def test_parts_of_a_split_bar_follow_each_other():
    bar = look.split(talk=50, wrap=0, idle=50)

    assert '<rect class="talk" x="0.0%" width="49.2%"' in bar
    assert '<rect class="idle" x="50.0%"' in bar
    assert "wrap" not in bar


def test_a_line_leaves_out_what_is_not_known():
    assert look.spark([]) == ""
    assert look.spark([None, None]) == ""
    assert 'd="M0.0 23.0 L100.0 3.0"' in look.spark([1, None, 3])


def test_what_users_wrote_cannot_become_markup():
    assert "<b>" not in look.icon("x", label="<b>")


@pytest.mark.parametrize(
    ("query", "name", "value", "address"),
    [
        ("city=2&page=7", "sort", "-won", {"?city=2&sort=-won"}),
        ("city=2&page=7", "page", 8, {"?city=2&page=8"}),
        ("city=2&sort=won", "city", "", {"?sort=won"}),
    ],
)
def test_another_sort_keeps_the_filters_and_starts_at_the_first_page(query, name, value, address):
    request = RequestFactory().get(f"/calls/?{query}")

    assert look.with_query(Context({"request": request}), name, value) in address


def test_an_address_in_a_page_is_escaped():
    request = RequestFactory().get("/calls/", {"q": '"><script>'})
    page = Template("{% load look %}{% with_query 'sort' 'won' %}").render(Context({"request": request}))

    assert "<script>" not in page
