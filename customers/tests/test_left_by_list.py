"""A list may leave out whom an earlier list has brought; who reads it without the region learns of no other city's customers by that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from core.clock import database_now
from core.jobs import run_inline
from customers import list_queries
from customers.models import Customer, HeldRow, LeadList, RowVerdict
from customers.services import judging_scopes, list_decisions, lists
from customers.services.list_receiving import LeftWrong
from customers.tests import list_files
from customers.tests.factories import CustomerFactory, SourceFactory
from customers.tests.test_lists import A, B, C, D, check, commit, person, rows_file, told, verdicts
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db
OWN, THEIRS, NEW = A, B, C


@pytest.fixture
def foshan():
    return CityFactory(name="Foshan", name_zh="佛山")


@pytest.fixture
def guangzhou():
    return CityFactory(name="Guangzhou", name_zh="广州")


@pytest.fixture
def data():
    return UserFactory(role="data")


@pytest.fixture
def local(foshan):
    return UserFactory(role="data", city=foshan)


@pytest.fixture
def source():
    return SourceFactory(name="bank")


def row(number, name="x", customer_number="", city="Foshan"):
    return [customer_number, name, number, city, "", ""]


def of_city(*numbers, name="x"):
    return rows_file(*(["", name, number, "", "", ""] for number in numbers))


# ---------------------------------------------------------------- the region


def test_who_is_on_the_earlier_list_is_left_out_and_who_is_known_otherwise_is_not(data, source, foshan):
    CustomerFactory(city=foshan, number=D, name="x")
    earlier = commit(check(rows_file(row(A), row(B)), data, source), data)

    later = check(rows_file(row(A, "y"), row(C, "y"), row(D, "y")), data, source, left_list=earlier)

    assert verdicts(later) == ["left:on_list", "new", "update"]
    assert RowVerdict.objects.filter(lead_list=later, verdict="left").values_list("customer_id", "before").get() == (
        person(A).pk, None,
    )  # fmt: skip
    commit(later, data)
    assert (person(A).name, person(C).name, person(D).name) == ("x", "y", "y")


def test_whom_the_earlier_list_found_known_is_on_it_too(data, source, foshan):
    CustomerFactory(city=foshan, number=A, name="x")
    earlier = commit(check(rows_file(row(A)), data, source), data)
    assert verdicts(earlier) == ["unchanged"]

    assert verdicts(check(rows_file(row(A, "y")), data, source, left_list=earlier)) == ["left:on_list"]


def test_a_customer_number_tells_them_by_another_number_and_no_question_is_asked(data, source, foshan):
    earlier = commit(check(rows_file(row(A, customer_number="E1")), data, source), data)

    later = check(rows_file(row(B, customer_number="E1")), data, source, left_list=earlier)

    assert verdicts(later) == ["left:on_list"]


def test_whom_the_earlier_list_left_out_or_refused_is_not_on_it(data, source, foshan):
    CustomerFactory(city=foshan, number=A)
    Customer.objects.filter(pk=CustomerFactory(city=foshan, number=B).pk).update(is_suppressed=True)
    earlier = commit(check(rows_file(row(A), row(B), row(C)), data, source, known="skip"), data)
    assert verdicts(earlier) == ["left:known", "suppressed:customer", "new"]

    later = check(rows_file(row(A), row(B), row(C)), data, source, left_list=earlier)

    assert verdicts(later) == ["update", "suppressed:customer", "left:on_list"]


def test_whoever_was_merged_since_stays_on_the_list(data, source, foshan):
    earlier = commit(check(rows_file(row(A)), data, source), data)
    gone, kept = person(A), CustomerFactory(city=foshan, number=B)
    Customer.objects.filter(pk=gone.pk).update(merged_into=kept)

    assert verdicts(check(rows_file(row(B, kept.name)), data, source, left_list=earlier)) == ["left:on_list"]


def test_whoever_was_merged_twice_since_stays_on_the_list_by_number_and_by_customer_number(data, source, foshan):
    earlier = commit(check(rows_file(row(A, customer_number="E1")), data, source), data)
    gone, between, kept = person(A), CustomerFactory(city=foshan, number=B), CustomerFactory(city=foshan, number=C)
    Customer.objects.filter(pk=gone.pk).update(merged_into=between)
    Customer.objects.filter(pk=between.pk).update(merged_into=kept)

    by_number = check(rows_file(row(C, kept.name)), data, source, left_list=earlier)
    by_customer_number = check(rows_file(row(D, customer_number="E1")), data, source, left_list=earlier)

    assert (verdicts(by_number), verdicts(by_customer_number)) == (["left:on_list"], ["left:on_list"])


def test_a_list_that_was_taken_back_since_has_brought_nobody(data, source, foshan):
    CustomerFactory(city=foshan, number=A, name="x")
    earlier = commit(check(rows_file(row(A)), data, source), data)
    later = check(rows_file(row(A, "y"), row(C)), data, SourceFactory(), left_list=earlier)
    assert verdicts(later) == ["left:on_list", "new"]

    assert run_inline(lists.undo_list(lead_list=earlier, by=data, reason="wrong file", at=database_now()).pk)
    again = LeadList.objects.get(pk=later.pk)
    from customers.services import judging

    judging.judge_rows(again, [2, 3], at=database_now())
    assert verdicts(again) == ["update", "new"]


def test_the_same_file_with_another_earlier_list_is_another_list(data, source, foshan):
    earlier = commit(check(rows_file(row(A)), data, source), data)
    file = rows_file(row(B))

    assert check(file, data, source).pk != check(file, data, source, left_list=earlier).pk


# ---------------------------------------------------------------- what a city may learn


def test_a_city_reads_the_same_of_a_number_that_others_know_and_of_one_that_is_new(local, source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, number=THEIRS, name="theirs")
    CustomerFactory(city=foshan, number=OWN, name="x")
    earlier = commit(check(of_city(OWN, THEIRS, NEW), local, source, city=foshan), local)
    assert told(earlier, local) == ["unchanged", "new", "new"]

    later = check(of_city(OWN, THEIRS, NEW, D, name="y"), local, source, city=foshan, left_list=earlier)

    assert told(later, local) == ["left:on_list", "left:on_list", "left:on_list", "new"]
    counts = list_queries.counts_for(later, local)
    assert {verdict: n for verdict, n in counts.items() if n} == {"left": 3, "new": 1}
    shown = list_queries.rows_of(later, list(later.verdicts.order_by("row_no")), local)
    assert [one.changes for one in shown] == [[], [], [], []]


def test_a_number_that_others_know_and_that_was_not_on_the_list_is_told_as_new(local, source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, number=THEIRS)
    earlier = commit(check(of_city(OWN), local, source, city=foshan), local)

    later = check(of_city(THEIRS, NEW), local, source, city=foshan, left_list=earlier)

    assert told(later, local) == ["new", "new"]


def test_what_another_list_has_brought_is_told_as_an_update_of_whoever_knows_it(local, source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, number=THEIRS)
    commit(check(of_city(THEIRS, NEW), local, source, city=foshan), local)
    earlier = commit(check(of_city(OWN), local, source, city=foshan), local)

    later = check(of_city(THEIRS, NEW, OWN, name="y"), local, source, city=foshan, left_list=earlier)

    assert told(later, local) == ["update", "update", "left:on_list"]


def test_brought_by_two_lists_it_is_on_both(local, source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, number=THEIRS)
    both = [commit(check(of_city(THEIRS, NEW, name=name), local, source, city=foshan), local) for name in ("x", "y")]

    for earlier in both:
        later = check(of_city(THEIRS, NEW, name="z"), local, source, city=foshan, left_list=earlier)
        assert told(later, local) == ["left:on_list", "left:on_list"]
    assert HeldRow.objects.get().list_ids == [one.pk for one in both]


def test_of_lists_taken_back_or_too_old_to_be_left_out_nothing_is_kept_however_often_the_person_comes(
    data, local, source, foshan, guangzhou
):
    CustomerFactory(city=guangzhou, number=THEIRS)
    old, undone, kept = (
        commit(check(of_city(THEIRS, NEW, name=name), local, source, city=foshan), local) for name in ("a", "b", "c")
    )
    LeadList.objects.filter(pk=old.pk).update(committed_at=database_now() - judging_scopes.LOOKS_BACK)
    assert run_inline(lists.undo_list(lead_list=undone, by=data, reason="wrong file", at=database_now()).pk)

    last = commit(check(of_city(THEIRS, NEW, name="d"), local, source, city=foshan), local)

    assert HeldRow.objects.get().list_ids == [kept.pk, last.pk]
    later = check(of_city(THEIRS, NEW, name="z"), local, source, city=foshan, left_list=kept)
    assert told(later, local) == ["left:on_list", "left:on_list"]


def test_who_came_lately_is_told_so_of_others_numbers_as_well(local, source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, number=THEIRS)
    earlier = commit(check(of_city(THEIRS, NEW), local, source, city=foshan), local)

    later = check(of_city(THEIRS, NEW), local, source, city=foshan, left_list=earlier, known_days=30)

    assert told(later, local) == ["left:known_lately", "left:known_lately"]


def test_the_regions_decision_about_such_a_row_leaves_them_out_too(data, local, source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, number=THEIRS, name="theirs")
    earlier = commit(check(of_city(THEIRS), local, source, city=foshan), local)
    later = check(of_city(THEIRS, name="y"), local, source, city=foshan, left_list=earlier)
    assert (verdicts(later), told(later, local)) == (["undecided:region"], ["left:on_list"])

    list_decisions.decide_rows(lead_list=later, rows=[2], accept=True, by=data, at=database_now())

    assert verdicts(later) == ["left:on_list"]
    assert person(THEIRS).name == "theirs"


def test_a_list_that_the_region_brings_for_a_city_is_told_to_it_in_the_same_way(data, local, source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, number=THEIRS)
    earlier = commit(check(of_city(THEIRS, NEW), local, source, city=foshan), local)

    later = check(of_city(THEIRS, NEW), data, source, city=foshan, left_list=earlier)

    assert told(later, local) == ["left:on_list", "left:on_list"]


# ---------------------------------------------------------------- what may be chosen


def test_a_list_of_a_city_asks_about_earlier_lists_of_that_city_alone(data, source, foshan, guangzhou):
    both = UserFactory(role="data", city=foshan)
    both.memberships.create(role="data", city=guangzhou, valid_from=both.memberships.get().valid_from)
    theirs = commit(check(of_city(A), both, source, city=guangzhou), both)
    regional = commit(check(rows_file(row(B)), data, source), data)

    with pytest.raises(LeftWrong, match="same city"):
        check(of_city(A), both, source, city=foshan, left_list=theirs)
    with pytest.raises(LeftWrong, match="same city"):
        check(of_city(A), data, source, city=foshan, left_list=regional)


def test_an_earlier_list_is_committed_visible_and_of_the_last_year(data, local, source, foshan, guangzhou):
    open_list = check(of_city(A), local, source, city=foshan)
    with pytest.raises(LeftWrong, match="is committed"):
        check(of_city(B), local, source, city=foshan, left_list=open_list)

    other = UserFactory(role="data", city=guangzhou)
    theirs = commit(check(of_city(C), other, source, city=guangzhou), other)
    with pytest.raises(LeftWrong, match="is committed"):
        check(of_city(B), local, source, city=foshan, left_list=theirs)

    old = commit(open_list, local)
    LeadList.objects.filter(pk=old.pk).update(committed_at=database_now() - timedelta(days=365))
    old.refresh_from_db()
    with pytest.raises(LeftWrong, match="within the last year"):
        check(of_city(B), local, source, city=foshan, left_list=old)


def test_a_city_cannot_ask_who_is_in_a_campaign(data, local, source, foshan):
    for user in (data, local):
        with pytest.raises(LeftWrong, match="Only a list of the whole region"):
            check(of_city(A), user, source, city=foshan, left_campaign_id=1)
    with pytest.raises(LeftWrong, match="Choose the campaign"):
        check(rows_file(row(A)), data, source, left_campaign_days=5)


def test_the_page_offers_the_citys_committed_lists_and_says_what_was_chosen(client, local, source, foshan):
    earlier = commit(check(of_city(A), local, source, city=foshan), local)
    client.force_login(local)
    form = client.get(reverse("customers:list-upload")).context["form"]
    file = list_files.workbook([["", "y", A, "", "", ""]])
    file.name = "list.xlsx"
    posted = {
        "source": source.pk,
        "city": foshan.pk,
        "consent_basis": "contract",
        "left_list": earlier.pk,
        "file": file,
    }

    page = client.post(reverse("customers:list-upload"), posted, follow=True).content.decode()

    assert list(form.fields["left_list"].queryset) == [earlier]
    assert "left_campaign" not in form.fields
    assert LeadList.objects.latest("pk").left_list == earlier
    assert f"who is on the list {earlier.name} is left out" in page


def test_the_api_takes_an_earlier_list_that_the_caller_sees(client, local, source, foshan, guangzhou):
    other = UserFactory(role="data", city=guangzhou)
    own = commit(check(of_city(A), local, source, city=foshan), local)
    theirs = commit(check(of_city(A), other, source, city=guangzhou), other)
    client.force_login(local)
    answers = []
    for earlier in (own, theirs):
        file = list_files.workbook([["", "y", B, "", "", ""]])
        file.name = "list.xlsx"
        told_ = {"file": file, "source": source.pk, "city": foshan.pk, "consent_basis": "x", "left_list": earlier.pk}
        answers.append(client.post("/api/v1/lists/", told_))

    assert [answer.status_code for answer in answers] == [201, 400]
    assert answers[0].json()["left_list"] == own.pk
