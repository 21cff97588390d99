"""Repair in place in the browser and over the API."""

from __future__ import annotations

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from core.jobs import run_inline
from core.models import AuditEvent
from customers.models import LeadList, Source, StagedRow
from customers.services import repairs
from customers.tests.factories import CustomerFactory, SourceFactory
from customers.tests.test_lists import A, B, C, check, rows_file, verdicts
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db
HEADS = ("external_id", "name", "phone", "city", "type", "gender", "age", "plan")


@pytest.fixture
def foshan():
    return CityFactory(name="Foshan", name_zh="佛山")


@pytest.fixture
def data(client):
    user = UserFactory(role="data")
    client.force_login(user)
    return user


@pytest.fixture
def lead_list(data, foshan):
    """A short number, a city nobody knows twice, a good row."""
    return checked(
        data, ["E1", "one", "191 0000", "佛山", "", "", "", ""], ["E2", "two", A, "禅城", "", "", "", ""], ["E3", "three", B, "禅城", "", "", "", ""],
        ["E4", "four", C, "佛山", "", "", "", ""],
    )  # fmt: skip


def checked(by, *rows, city=None) -> LeadList:
    return check(rows_file(*rows, heads=HEADS), by, Source.objects.first() or SourceFactory(), city=city)


def text(answer) -> str:
    return answer.content.decode()


def url(name, lead_list, *more) -> str:
    return reverse(f"customers:{name}", args=[lead_list.pk, *more])


HTMX = {"HX-Request": "true"}


def row_form(row, **values):
    return {f"r{row}-{name}": value for name, value in values.items()}


def test_a_row_is_opened_in_its_place_repaired_and_the_counts_follow(client, lead_list, foshan):
    page = text(client.get(url("list", lead_list)))
    assert url("list-row-open", lead_list, 2) in page

    opened = client.post(url("list-row-open", lead_list, 2), headers=HTMX)
    assert text(opened).strip().startswith("<tr")
    assert 'value="191 0000"' in text(opened)
    assert "no-store" in opened.headers["Cache-Control"]
    assert AuditEvent.objects.filter(action="customers.list.row_opened").count() == 1

    wrong = client.post(
        url("list-row-repair", lead_list, 2), row_form(2, name="one", phone="191", city=foshan.pk), headers=HTMX
    )
    assert (wrong.status_code, "Phone number is too short" in text(wrong)) == (422, True)
    assert 'placeholder="1' in text(wrong)
    done = client.post(
        url("list-row-repair", lead_list, 2), row_form(2, name="uno", phone="19100007599", city=foshan.pk), headers=HTMX
    )
    assert done.headers["HX-Refresh"] == "true"

    after = client.get(url("list", lead_list))
    assert "Row 2 is repaired: New." in text(after)
    assert after.context["counts"]["new"] == 2
    assert StagedRow.objects.get(lead_list=lead_list, row_no=2).name == "uno"


def test_without_a_script_the_row_has_a_page_of_its_own(client, lead_list, foshan):
    page = client.post(url("list-row-open", lead_list, 2))
    assert (page.status_code, "<html" in text(page), 'value="191 0000"' in text(page)) == (200, True, True)

    answer = client.post(url("list-row-repair", lead_list, 2), row_form(2, phone="19100007599", city=foshan.pk))
    assert answer.url == url("list", lead_list)


def test_a_good_number_is_masked_in_the_form_and_stays_when_left_empty(client, lead_list, foshan):
    opened = text(client.post(url("list-row-open", lead_list, 3), headers=HTMX))
    assert A not in opened
    assert "191****7541" in opened
    assert "In the file: 禅城" in opened

    client.post(url("list-row-repair", lead_list, 3), row_form(3, name="two", city=foshan.pk, external_id="E2"))

    assert StagedRow.objects.get(lead_list=lead_list, row_no=3).phone_mask == "191****7541"
    assert verdicts(lead_list)[1] == "new"


def test_all_rows_with_a_fault_are_corrected_after_a_look(client, lead_list, foshan):
    page = text(client.get(url("list", lead_list)))
    assert f"{url('list-correct', lead_list)}?fault=city_unknown" in page
    assert f"{url('list-correct', lead_list)}?fault=phone_lost_digits" not in page

    ask = text(client.get(url("list-correct", lead_list), {"fault": "city_unknown"}))
    assert "禅城 (2)" in ask
    look = client.get(url("list-correct", lead_list), {"fault": "city_unknown", "look": "1", "value": foshan.pk})
    assert (look.context["outcome"].good, "Correct 2 rows and judge them again" in text(look)) == (2, True)
    assert verdicts(lead_list)[1:3] == ["invalid:city_unknown"] * 2

    done = client.post(url("list-correct", lead_list), {"fault": "city_unknown", "value": foshan.pk}, follow=True)
    assert "2 rows are good now." in text(done)
    assert done.context["counts"]["new"] == 3
    again = client.post(url("list-correct", lead_list), {"fault": "city_unknown", "value": foshan.pk}, follow=True)
    assert "No row has this fault any more." in text(again)
    assert "No row has this fault any more." in text(
        client.get(url("list-correct", lead_list), {"fault": "city_unknown"})
    )


def test_a_correction_that_cannot_be_right_says_so(client, lead_list):
    fault = verdicts(lead_list)[0].partition(":")[2]
    answer = client.get(url("list-correct", lead_list), {"fault": fault, "look": "1", "value": "x"})

    assert (answer.status_code, "Write the digits" in text(answer)) == (422, True)
    assert "cannot be corrected together" in text(
        client.get(url("list-correct", lead_list), {"fault": "nonsense"}, follow=True)
    )


def test_a_correction_at_work_is_shown_and_the_page_loads_anew_at_its_end(client, lead_list, foshan, monkeypatch):
    monkeypatch.setattr(repairs, "AT_ONCE", 1)
    client.post(url("list-correct", lead_list), {"fault": "city_unknown", "value": foshan.pk})

    page = text(client.get(url("list", lead_list)))
    assert "A correction is at work" in page
    assert "Commit 1 row" not in page
    assert client.get(url("list-progress", lead_list)).status_code == 200
    lead_list.refresh_from_db()
    run_inline(lead_list.job_id)
    assert client.get(url("list-progress", lead_list)).headers["HX-Refresh"] == "true"
    assert "Commit 3 rows" in text(client.get(url("list", lead_list)))


def test_who_only_looks_finds_no_repair_and_is_turned_away(client, lead_list):
    client.force_login(UserFactory(role="campaign_manager"))

    assert url("list-row-open", lead_list, 2) not in text(client.get(url("list", lead_list)))
    assert client.post(url("list-row-open", lead_list, 2)).status_code == 403
    assert client.post(url("list-row-repair", lead_list, 2)).status_code == 403
    assert client.get(url("list-correct", lead_list), {"fault": "city_unknown"}).status_code == 403


def test_another_city_repairs_nothing(client, lead_list):
    client.force_login(UserFactory(role="data", city=CityFactory()))

    for name, more in (("list-row-open", (2,)), ("list-row-repair", (2,)), ("list-correct", ())):
        assert client.post(url(name, lead_list, *more)).status_code == 404


def test_the_repair_of_another_citys_number_looks_like_any_other(client, data, foshan):
    local = UserFactory(role="data", city=foshan)
    CustomerFactory(city=CityFactory(name="Guangzhou"), number=B)
    lead_list = checked(local, ["", "a", "12", "", "", "", "", ""], ["", "b", "12", "", "", "", "", ""], city=foshan)
    client.force_login(local)
    api = APIClient()
    api.force_authenticate(local)

    seen = []
    for row, number in ((2, B), (3, C)):
        client.post(url("list-row-repair", lead_list, row), row_form(row, name="x", phone=number, city=foshan.pk))
        page = client.get(url("list", lead_list), {"verdict": "all", "q": row})
        [shown] = page.context["rows"]
        said = [str(message) for message in page.context["messages"]]
        answer = api.post(f"/api/v1/lists/{lead_list.pk}/rows/{row}/repair/", {"name": "y"}, format="json").json()
        seen.append(
            (
                shown.verdict,
                shown.reason,
                shown.customer_id,
                said[0].replace(str(row), "n"),
                answer["verdict"],
                answer["customer_id"],
            )
        )

    assert seen[0] == seen[1] == ("new", "", None, "Row n is repaired: New.", "new", None)


def test_the_api_tells_faults_looks_corrects_and_repairs(lead_list, data, foshan):
    api = APIClient()
    api.force_authenticate(data)
    at = f"/api/v1/lists/{lead_list.pk}"

    faults = {fault["code"]: fault for fault in api.get(f"{at}/faults/").json()}
    assert (faults["city_unknown"]["count"], faults["city_unknown"]["field"]) == (2, "city")
    asked = {
        "fault": "city_unknown",
        "value": str(foshan.pk),
        "spelling": faults["city_unknown"]["spellings"][0]["key"],
    }
    assert api.post(f"{at}/correct/", asked | {"preview": True}, format="json").json()["good"] == 2
    assert api.post(f"{at}/correct/", asked, format="json").json()["good"] == 2
    assert api.post(f"{at}/correct/", asked, format="json").json()["rows"] == 0

    still = api.post(f"{at}/rows/2/repair/", {"phone": "12"}, format="json")
    assert (still.status_code, still.json()["code"]) == (409, "StillFaulty")
    row = api.post(f"{at}/rows/2/repair/", {"phone": "19100007599"}, format="json").json()
    assert (row["verdict"], row["phone"], row["name"]) == ("new", "191****7599", "one")
    assert api.get(f"{at}/").json()["counts"]["new"] == 4

    api.force_authenticate(UserFactory(role="campaign_manager"))
    assert api.post(f"{at}/rows/2/repair/", {"name": "x"}, format="json").status_code == 403
    assert api.get(f"{at}/faults/").status_code == 403
    api.force_authenticate(UserFactory(role="data", city=CityFactory()))
    assert api.post(f"{at}/correct/", asked, format="json").status_code == 404
