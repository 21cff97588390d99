"""Customers, suppressions, sources and rules of contact in the browser."""

from datetime import date

import pytest
from django.urls import reverse

from core.clock import database_now
from core.models import AuditEvent
from customers.models import Consent, ContactRule, Customer, NumberUse, RulePack, Source, Suppression
from customers.services import persons
from customers.services.suppress import suppress
from customers.tests.factories import ConsentFactory, CustomerFactory, SourceFactory, TagFactory
from people.tests.factories import CityFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
NUMBER = "19100007548"


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def data(client, city):
    """A member of the data team of one city, signed in."""
    user = UserFactory(role="data", city=city)
    client.force_login(user)
    return user


def text(answer):
    return answer.content.decode()


# ---------------------------------------------------------------- the list


def test_the_list_shows_masked_numbers_in_the_order_of_names_of_several_cities(client):
    for name in ("zhang wei", "an na", "li na"):
        CustomerFactory(name=name, number=None if name == "an na" else "")
    CustomerFactory(name="bo wen", number=NUMBER)
    client.force_login(UserFactory(role="data"))

    page = text(client.get(reverse("customers:customers")))

    assert sorted(["zhang wei", "li na", "bo wen", "an na"], key=page.index) == [
        "an na",
        "bo wen",
        "li na",
        "zhang wei",
    ]
    assert "191****7548" in page
    assert NUMBER not in page
    back = text(client.get(reverse("customers:customers"), {"sort": "-name"}))
    assert back.index("zhang wei") < back.index("an na")


def test_another_citys_customer_is_in_no_list_and_404(client, data, city):
    own, other = CustomerFactory(city=city, name="mine"), CustomerFactory(name="theirs")

    page = text(client.get(reverse("customers:customers")))

    assert "mine" in page
    assert "theirs" not in page
    assert client.get(reverse("customers:customer", args=[own.pk])).status_code == 200
    assert client.get(reverse("customers:customer", args=[other.pk])).status_code == 404


@pytest.mark.parametrize(
    ("asked", "found"), [("伟", {"伟明"}), ("伟明", {"伟明"}), ("anders", {"Ole Andersen"}), ("x", set())]
)
def test_customers_are_found_by_a_part_of_the_name(client, data, city, asked, found):
    for name in ("伟明", "Ole Andersen", "李娜"):
        CustomerFactory(city=city, name=name)

    page = text(client.get(reverse("customers:customers"), {"name": asked}))

    assert {name for name in ("伟明", "Ole Andersen", "李娜") if name in page} == found


def test_customers_are_filtered_by_type_source_tag_and_suppression(client, data, city):
    source, tag = SourceFactory(), TagFactory()
    hit = CustomerFactory(city=city, name="hit", type="business", source=source, is_suppressed=True)
    hit.tags.create(tag=tag)
    CustomerFactory(city=city, name="miss")

    for asked in ({"type": "business"}, {"source": source.pk}, {"tag": tag.pk}, {"is_suppressed": "1"}):
        page = text(client.get(reverse("customers:customers"), asked))
        assert "hit" in page
        assert ">miss<" not in page


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_the_same_queries_however_many_customers(client, data, city, count, django_assert_num_queries):
    for _ in range(count):
        CustomerFactory(city=city, source=SourceFactory()).tags.create(tag=TagFactory())
    client.get(reverse("customers:customers"))

    with django_assert_num_queries(LIST_QUERIES):
        client.get(reverse("customers:customers"))


LIST_QUERIES = 14


# ---------------------------------------------------------------- numbers


def test_a_customer_is_found_by_the_exact_number_and_the_search_is_counted(client, data, city):
    customer = CustomerFactory(city=city, number=NUMBER)

    answer = client.post(reverse("customers:customer-find"), {"number": "191 0000-7548"})

    assert answer.url == reverse("customers:customer", args=[customer.pk])
    assert NumberUse.objects.get().count == 1
    event = AuditEvent.objects.get(action="customers.number.searched")
    assert (event.subject_id, NUMBER in str(event.detail)) == (str(customer.pk), False)


def test_the_number_of_another_citys_customer_is_answered_as_one_nobody_has(client, data):
    CustomerFactory(number=NUMBER)

    theirs = client.post(reverse("customers:customer-find"), {"number": NUMBER}, follow=True)
    nobodys = client.post(reverse("customers:customer-find"), {"number": "19100009999"}, follow=True)

    for answer in (theirs, nobodys):
        assert "No customer that you may see has this number." in text(answer)


def test_what_is_no_number_says_so_and_costs_nothing(client, data):
    answer = client.post(reverse("customers:customer-find"), {"number": "12"}, follow=True)

    assert "too short" in text(answer)
    assert not NumberUse.objects.exists()


@pytest.mark.parametrize("typed", [NUMBER, "+86 191-0000-7548", "１９１００００７５４８"])
def test_a_number_typed_into_the_plain_search_stands_in_no_address(client, data, city, typed):
    customer = CustomerFactory(city=city, number=NUMBER)
    form = text(client.get(reverse("customers:customers")))
    assert f'method="post" action="{reverse("customers:customer-search")}"' in form

    answer = client.post(reverse("customers:customer-search"), {"name": typed})

    assert answer.url == reverse("customers:customer", args=[customer.pk])
    assert NumberUse.objects.get().count == 1


def test_a_name_typed_into_the_plain_search_is_the_filter_of_the_list(client, data, city):
    CustomerFactory(city=city, name="孙明 12")

    answer = client.post(
        reverse("customers:customer-search"),
        {"name": "孙明 12", "type": "", "sort": "-name", "other": "x"},
        follow=True,
    )

    assert answer.redirect_chain[0][0] == reverse("customers:customers") + "?name=%E5%AD%99%E6%98%8E+12&sort=-name"
    assert "孙明 12" in text(answer)
    assert not NumberUse.objects.exists()


def test_an_address_with_a_number_is_not_answered_with_it(client, data, city):
    answer = client.get(reverse("customers:customers"), {"name": f"x {NUMBER}"}, follow=True)

    assert answer.redirect_chain == [(reverse("customers:customers"), 302)]
    assert "A phone number must not stand in an address." in text(answer)
    assert NUMBER not in text(answer)


def test_who_may_not_search_by_number_is_told_so(client, city):
    client.force_login(UserFactory(role="qa", city=city))

    answer = client.post(reverse("customers:customer-search"), {"name": NUMBER}, follow=True)

    assert "Your role does not search by number." in text(answer)


def test_searches_end_with_the_quota_of_the_day(client, data, city, monkeypatch):
    monkeypatch.setitem(persons.PER_DAY, NumberUse.Kind.SEARCH, 2)
    customer = CustomerFactory(city=city, number=NUMBER)
    for _ in range(2):
        client.post(reverse("customers:customer-find"), {"number": NUMBER})

    answer = client.post(reverse("customers:customer-find"), {"number": NUMBER})

    assert answer.url == reverse("customers:customers")
    assert answer.url != reverse("customers:customer", args=[customer.pk])
    assert AuditEvent.objects.filter(refused=True, detail__quota="search").exists()


def test_a_number_is_revealed_for_a_reason_and_leaves_a_trace_without_it(client, data, city):
    customer = CustomerFactory(city=city, number=NUMBER)
    url = reverse("customers:phone-reveal", args=[customer.pk, customer.phones.get().pk])

    without = client.post(url)
    answer = client.post(url, {"reason": "complaint"})

    assert without.status_code == 302
    assert "+86" + NUMBER in text(answer)
    assert "no-store" in answer.headers["Cache-Control"]
    event = AuditEvent.objects.get(action="customers.number.revealed")
    assert (event.detail["reason"], NUMBER in str(event.detail)) == ("complaint", False)
    assert NumberUse.objects.get(kind="reveal").count == 1


def test_a_number_of_another_city_is_not_revealed(client, data):
    customer = CustomerFactory(number=NUMBER)

    answer = client.post(
        reverse("customers:phone-reveal", args=[customer.pk, customer.phones.get().pk]), {"reason": "complaint"}
    )

    assert answer.status_code == 404
    assert not NumberUse.objects.exists()


@pytest.mark.parametrize("role", ["qa", "city_manager"])
def test_who_only_reads_neither_searches_nor_reveals(client, city, role):
    customer = CustomerFactory(city=city, number=NUMBER)
    client.force_login(UserFactory(role=role, city=city))

    assert client.get(reverse("customers:customer", args=[customer.pk])).status_code == 200
    assert client.post(reverse("customers:customer-find"), {"number": NUMBER}).status_code == 403
    reveal = reverse("customers:phone-reveal", args=[customer.pk, customer.phones.get().pk])
    assert client.post(reveal, {"reason": "complaint"}).status_code == 403


# ---------------------------------------------------------------- one customer


def test_the_page_of_a_customer_holds_no_digits_of_the_number(client, data, city):
    customer = CustomerFactory(city=city, number=NUMBER, attributes={"套餐": "138"})

    page = text(client.get(reverse("customers:customer", args=[customer.pk])))

    assert "191****7548" in page
    assert "套餐" in page
    assert NUMBER not in page


def test_the_page_says_what_stands_against_a_call(client, data, city):
    customer = CustomerFactory(city=city, consent=False)

    page = text(client.get(reverse("customers:customer", args=[customer.pk]), {"pack": "FR"}))
    part = text(client.get(reverse("customers:customer-why-not", args=[customer.pk]), {"pack": "DEMO"}))

    assert "There is no consent in force" in page
    assert "may be called now" in part


def test_tags_are_set_and_taken_off_by_hand(client, data, city):
    customer = CustomerFactory(city=city)

    client.post(reverse("customers:tag-add", args=[customer.pk]), {"name": " heavy   roamer "})
    link = customer.tags.get()
    client.post(reverse("customers:tag-remove", args=[customer.pk, link.tag_id]))

    assert link.tag.name == "heavy roamer"
    assert not customer.tags.exists()


def test_a_consent_is_entered_until_the_end_of_its_last_day(client, data, city):
    customer = CustomerFactory(city=city, consent=False)
    form = {"basis": "form on the web", "stated_by": "Chen", "given_on": "2026-01-05", "expires_on": "2026-12-31"}

    client.post(reverse("customers:consent-add", args=[customer.pk]), form)

    consent = customer.consents.get()
    assert consent.given_at.isoformat() == "2026-01-04T16:00:00+00:00"
    assert consent.expires_at.isoformat() == "2026-12-31T16:00:00+00:00"


def test_a_consent_of_the_future_comes_back_with_the_sentence(client, data, city):
    customer = CustomerFactory(city=city, consent=False)

    answer = client.post(
        reverse("customers:consent-add", args=[customer.pk]), {"basis": "b", "stated_by": "c", "given_on": "2999-01-01"}
    )

    assert answer.status_code == 422
    assert "cannot have been given in the future" in text(answer)


def test_who_withdraws_the_last_consent_is_not_called_any_more(client, data, city):
    customer = CustomerFactory(city=city)
    second = ConsentFactory(customer=customer)
    first = customer.consents.exclude(pk=second.pk).get()

    client.post(reverse("customers:consent-withdraw", args=[customer.pk, first.pk]))
    assert not Suppression.objects.exists()

    client.post(reverse("customers:consent-withdraw", args=[customer.pk, second.pk]))

    assert Customer.objects.get(pk=customer.pk).is_suppressed
    assert Suppression.objects.get().source == "consent withdrawn"


def test_every_state_of_a_consent_is_kept(data, city):
    consent = Consent.objects.get(customer=CustomerFactory(city=city))

    persons.withdraw_consent(consent=consent, by=data, at=database_now())

    before = consent.events.get()
    consent.refresh_from_db()
    assert (before.withdrawn_at, before.basis) == (None, consent.basis)
    assert consent.withdrawn_at is not None


def test_a_customer_is_suppressed_from_the_page(client, data, city):
    customer = CustomerFactory(city=city)

    client.post(
        reverse("customers:customer-suppress", args=[customer.pk]),
        {"kind": "refusal", "until": "", "note": "by letter"},
    )

    row = Suppression.objects.get()
    assert (row.customer, row.kind, row.valid_to, row.note, row.created_by) == (
        customer,
        "refusal",
        None,
        "by letter",
        data,
    )


# ---------------------------------------------------------------- suppressions


def test_a_number_is_entered_with_the_same_answer_whoever_it_belongs_to(client, data, city):
    CustomerFactory(city=city, number="19100000001")
    CustomerFactory(number="19100000002")

    answers = [
        client.post(reverse("customers:suppression-new"), {"number": number, "kind": "manual"}, follow=True)
        for number in ("19100000001", "19100000002", "19100000003")
    ]

    assert all("whoever it belongs to" in text(answer) for answer in answers)
    assert Suppression.objects.count() == 3
    assert Suppression.objects.visible_to(data).count() == 1
    assert NumberUse.objects.get().count == 3


def test_a_bad_number_comes_back_with_the_sentence(client, data):
    answer = client.post(reverse("customers:suppression-new"), {"number": "1.38E+10", "kind": "manual"})

    assert answer.status_code == 422
    assert "lost its digits" in text(answer)


def test_suppressions_are_listed_filtered_and_exported_within_the_own_city(client, data, city):
    mine, theirs = CustomerFactory(city=city, name="mine"), CustomerFactory(name="theirs")
    at = database_now()
    for customer in (mine, theirs):
        suppress(customer=customer, kind="manual", by=data, at=at)

    page = text(client.get(reverse("customers:suppressions"), {"state": "in_force", "kind": "manual"}))
    none = text(client.get(reverse("customers:suppressions"), {"state": "lifted"}))
    export = client.get(reverse("customers:suppressions"), {"export": "csv"})

    assert "mine" in page
    assert "theirs" not in page
    assert "No row fits" in none
    lines = b"".join(export.streaming_content).decode("utf-8-sig").splitlines()
    assert len(lines) == 2


def test_a_suppression_is_lifted_with_a_reason(client, data, city):
    row = suppress(customer=CustomerFactory(city=city), kind="refusal", by=data, at=database_now())
    url = reverse("customers:suppression-lift", args=[row.pk])

    without = client.post(url, {"reason": ""})
    client.post(url, {"reason": "asked for offers again"})

    row.refresh_from_db()
    assert without.status_code == 422
    assert (row.lifted_by, row.lift_reason) == (data, "asked for offers again")
    assert "asked for offers again" in text(client.get(reverse("customers:suppression", args=[row.pk])))


@pytest.mark.parametrize(
    ("role", "kind", "status"),
    [
        ("supervisor", "refusal", 403),
        ("supervisor", "manual", 302),
        ("data", "complaint", 403),
        ("qa", "complaint", 302),
        ("qa", "manual", 403),
    ],
)
def test_a_complaint_is_lifted_by_qa_and_a_refusal_not_by_the_floor(client, city, role, kind, status):
    user = UserFactory(role=role, city=city)
    other = UserFactory(role="supervisor", city=city)
    row = suppress(customer=CustomerFactory(city=city), kind=kind, by=other, at=database_now())
    client.force_login(user)

    assert client.post(reverse("customers:suppression-lift", args=[row.pk]), {"reason": "r"}).status_code == status


def test_a_suppression_of_another_city_is_404(client, data):
    row = suppress(customer=CustomerFactory(), kind="manual", by=data, at=database_now())

    assert client.get(reverse("customers:suppression", args=[row.pk])).status_code == 404
    assert client.post(reverse("customers:suppression-lift", args=[row.pk]), {"reason": "r"}).status_code == 404


# ---------------------------------------------------------------- sources and rules


def test_a_source_keeps_its_price_in_cents(client, data):
    client.post(
        reverse("customers:source-new"),
        {"name": "Fair 2026", "kind": "bought", "supplier": "Dataworks", "price": "0.35"},
    )
    source = Source.objects.get(name="Fair 2026")
    client.post(
        reverse("customers:source", args=[source.pk]),
        {"name": "Fair 2026", "kind": "bought", "supplier": "Dataworks", "price": "19.99"},
    )

    again = client.post(reverse("customers:source-new"), {"name": "Fair 2026", "kind": "own", "price": "0"})

    source.refresh_from_db()
    assert source.price_cents == 1999
    assert again.status_code == 422


def test_a_value_out_of_range_comes_back_with_the_sentence_and_changes_nothing(client):
    client.force_login(UserFactory(role="regional_manager"))
    rule = ContactRule.objects.get(pack__code="CN-GEN", key="cap", value__hours=24)

    answer = client.post(
        reverse("customers:rule", args=[rule.pk]),
        {"most": 21, "hours": 24, "severity": "block", "holds_from": "2027-01-01", "reason": "r"},
    )

    assert answer.status_code == 422
    assert "from 1 to 19" in text(answer)
    assert ContactRule.objects.get(pk=rule.pk).valid_to is None


def test_a_pack_with_hours_is_made_by_hand(client):
    client.force_login(UserFactory(role="administrator"))

    client.post(reverse("customers:rule-pack-new"), {"code": "jp", "name": "Japan"})
    pack = RulePack.objects.get(code="JP")
    form = {
        "days": [1, 2, 3],
        "opens": "09:00",
        "closes": "18:00",
        "severity": "block",
        "holds_from": "2026-01-01",
        "reason": "new",
    }
    client.post(reverse("customers:rule-new", args=[pack.pk, "hours"]), form)
    assert pack.rules.count() == 0
    client.force_login(UserFactory(role="regional_manager"))
    client.post(reverse("customers:rule-change-approve", args=[pack.changes.get().pk]))

    assert pack.rules.get().value == {"days": [1, 2, 3], "opens": "09:00", "closes": "18:00"}
    assert "Mon–Wed from 09:00 to 18:00" in text(client.get(reverse("customers:rules")))


def test_the_rules_are_read_by_the_data_team_and_changed_by_nobody_there(client, data):
    rule = ContactRule.objects.filter(pack__code="CN-GEN").first()

    assert client.get(reverse("customers:rules")).status_code == 200
    assert client.get(reverse("customers:rule-pack", args=[rule.pack_id])).status_code == 200
    for url in (
        reverse("customers:rule", args=[rule.pk]),
        reverse("customers:rule-new", args=[rule.pack_id, "cap"]),
        reverse("customers:rule-pack-new"),
    ):
        assert client.post(url).status_code == 403
    assert client.post(reverse("customers:rule-end", args=[rule.pk])).status_code == 403


@pytest.mark.parametrize("key", ContactRule.Key.values)
def test_every_key_has_its_form(client, key):
    client.force_login(UserFactory(role="administrator"))
    pack = RulePack.objects.get(code="CN-GEN")

    assert client.get(reverse("customers:rule-new", args=[pack.pk, key])).status_code == 200
    rule = pack.rules.filter(key=key).first() or pack.rules.create(
        key=key, value={"days": 30}, valid_from=date(2020, 1, 1)
    )
    assert client.get(reverse("customers:rule", args=[rule.pk])).status_code == 200


@pytest.mark.parametrize(
    "name", ["customers:customers", "customers:suppressions", "customers:sources", "customers:rules"]
)
def test_agents_see_none_of_these_pages(client, name):
    client.force_login(UserFactory(agent=TeamFactory()))

    assert client.get(reverse(name)).status_code == 403
