"""The shell and its parts: what a template may hold, how forms show faults, who sees the kit."""

import re
from datetime import date
from pathlib import Path

import pytest
from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.template.loader import render_to_string
from django.test import RequestFactory

from people.models import Membership, User

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted(path for path in ROOT.rglob("*.html") if not {".venv", "var", "node_modules"} & set(path.parts))
NOT_ALLOWED = {
    "a style attribute": re.compile(r"<[^>]*\sstyle=", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    "an inline script": re.compile(r"<script(?![^>]*\b(?:src|type=\"application/json\")\b)[^>]*>", re.I),
    "an event handler": re.compile(r"<[^>]*\son[a-z]+=", re.I),
    "a javascript: address": re.compile(r"javascript:", re.I),
    "an address of another host": re.compile(r"(?:src|href)=[\"'](?:https?:)?//", re.I),
}


@pytest.mark.parametrize("what", NOT_ALLOWED)
def test_no_template_holds(what):
    guilty = [str(path.relative_to(ROOT)) for path in TEMPLATES if NOT_ALLOWED[what].search(path.read_text())]

    assert guilty == []


def test_every_icon_that_a_template_names_exists():
    drawn = set(re.findall(r'<symbol id="([a-z0-9-]+)"', (ROOT / "static/icons.svg").read_text()))
    named = {name for path in TEMPLATES for name in re.findall(r'{% icon "([^"]+)"', path.read_text())}

    assert named - drawn == set()


def test_every_icon_of_the_navigation_exists():
    from telemkt.navigation import GROUPS

    drawn = set(re.findall(r'<symbol id="([a-z0-9-]+)"', (ROOT / "static/icons.svg").read_text()))

    assert {page.icon for _label, pages in GROUPS for page in pages} - drawn == set()


def test_every_text_that_a_script_asks_for_is_rendered():
    asked = {
        name
        for path in (ROOT / "static/js").glob("*.js")
        for name in re.findall(r"\b(?:texts\(\)|t)\.([a-z][A-Za-z]+)", path.read_text())
    }
    given = re.findall(r"data-([a-z-]+)=", (ROOT / "templates/_parts/texts.html").read_text())

    assert asked - {re.sub(r"-([a-z])", lambda m: m[1].upper(), name) for name in given} == set()


def test_every_colour_that_is_used_is_a_token():
    tokens = set(re.findall(r"(--[a-z0-9-]+):", (ROOT / "static/css/tokens.css").read_text()))
    used = {
        name
        for path in [*(ROOT / "static/css").glob("*.css"), *(ROOT / "static/js").glob("*.js")]
        for name in re.findall(r"--(?:c|v|st)-[a-z0-9-]+", path.read_text())
        if not name.endswith("-")
    }

    assert used - tokens == set()


class PriceForm(forms.Form):
    price = forms.DecimalField(help_text="What the supplier bills.", error_messages={"invalid": "Write 0.12."})
    scope = forms.ChoiceField(choices=[("a", "this file")], widget=forms.RadioSelect)
    kind = forms.ChoiceField(choices=[("a", "bought")])
    token = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean(self):
        raise forms.ValidationError("The list is closed.")


def test_a_form_comes_as_rows_with_the_controls_of_the_look():
    page = str(PriceForm())

    assert page.count('class="form-row"') == 3
    assert 'class="form-control"' in page
    assert 'class="form-select"' in page
    assert 'class="form-check-input"' in page
    assert '<label for="id_price" class="req">' in page
    assert '<input type="hidden" name="token" id="id_token">' in page
    assert "is-wrong" not in page


def test_a_fault_stands_under_its_field_and_is_announced_with_it():
    page = str(PriceForm({"price": "0,12", "scope": "a", "kind": "a"}))

    assert '<span class="wrong" id="id_price_error">Write 0.12.</span>' in page
    assert 'class="form-control is-wrong"' in page
    assert 'aria-invalid="true"' in page
    assert "id_price_error" in re.search(r'<input[^>]*name="price"[^>]*>', page)[0]
    assert page.count("is-wrong") == 1


def test_what_is_wrong_with_the_whole_form_stands_above_it():
    page = str(PriceForm({"price": "0.12", "scope": "a", "kind": "a"}))

    assert re.search(r'class="notice is-bad" role="alert">.*The list is closed\.', page, re.S)


def part(part_name, **context):
    return render_to_string(f"_parts/{part_name}.html", context, request=RequestFactory().get("/rows/?city=2&page=3"))


def test_a_pager_says_which_rows_and_keeps_the_filters():
    page = part("pager", page=Paginator(range(412), 9).page(3))

    assert "Rows 19 to 27 of 412" in page
    assert 'href="?city=2&amp;page=4"' in page
    assert 'href="?city=2&amp;page=2"' in page


def test_an_empty_list_has_no_pager():
    assert "<nav" not in part("pager", page=Paginator([], 9).page(1))


@pytest.mark.parametrize(
    ("sort", "link", "told"),
    [
        ("", "sort=-won", ""),
        ("-won", "sort=won", 'aria-sort="descending"'),
        ("won", "sort=-won", 'aria-sort="ascending"'),
    ],
)
def test_the_head_of_figures_sorts_from_above_first_and_turns_around(sort, link, told):
    page = part("sort_head", name="won", label="Won", num=True, sort=sort)

    assert f'href="?city=2&amp;{link}"' in page
    assert told in page


def test_no_more_than_five_alerts_are_shown():
    page = part("alerts", alerts=[{"level": "due", "text": f"alert {n}"} for n in range(7)])

    assert page.count("<li") == 5


def test_a_job_asks_on_while_it_runs_and_offers_a_way_on_when_it_stopped():
    runs = part(
        "job",
        text="28,160 of 45,211 rows judged",
        done=28160,
        total=45211,
        poll_url="/jobs/1/",
        stop_url="/jobs/1/stop/",
    )
    stopped = part("job", fault="Stopped at row 12,004.", done=12004, total=45211, again_url="/jobs/1/again/")

    assert 'hx-get="/jobs/1/"' in runs
    assert 'max="45211" value="28160"' in runs
    assert 'action="/jobs/1/stop/"' in runs
    assert "hx-get" not in stopped
    assert "Stopped at row 12,004." in stopped
    assert 'action="/jobs/1/again/"' in stopped


def test_what_is_done_is_a_toast_and_what_failed_stays_on_the_page(admin):
    page = admin.get("/kit/?say=1").content.decode()
    toasts = page[page.index('id="toasts"') : page.index('id="keys-help"')]
    notices = page[page.index('id="notices"') : page.index('class="stats')]

    assert "Row 1102 repaired" in toasts
    assert "locked by" not in toasts
    assert "locked by" in notices
    assert 'role="alert"' in notices


def signed_in(client, role, **place):
    user = User.objects.create_user(username=role, password="long-enough-7", display_name="Li Huimin")
    Membership.objects.create(user=user, role=role, valid_from=date(2020, 1, 1), **place)
    client.force_login(user)
    return client


@pytest.fixture
def admin(client, db):
    return signed_in(client, "administrator")


def test_the_kit_shows_every_part_to_an_administrator(admin):
    answer = admin.get("/kit/")

    assert answer.status_code == 200
    assert "Administrator" in answer.content.decode()
    assert (
        "'unsafe-inline'"
        not in re.search(r"(?:script-src|default-src)[^;]*", answer.headers["Content-Security-Policy"])[0]
    )


def test_the_kit_is_nothing_for_others(client, db):
    assert signed_in(client, "supervisor").get("/kit/").status_code == 404


def test_a_page_that_is_not_there_keeps_the_navigation_and_offers_a_way_on(admin):
    answer = admin.get("/kit/nothing-here/")

    assert answer.status_code == 404
    assert 'id="side"' in answer.content.decode()
    assert 'href="/"' in answer.content.decode()


@pytest.mark.parametrize("name", ["400.html", "500.html", "503.html"])
def test_the_pages_for_what_broke_need_no_request_and_no_user(name):
    page = render_to_string(name)

    assert "<h1>" in page
    assert 'href="/"' in page


def test_a_refusal_is_shown_in_its_own_words():
    page = render_to_string("403.html", {"exception": "Calls of Guangzhou belong to another supervisor."})

    assert "Calls of Guangzhou belong to another supervisor." in page
