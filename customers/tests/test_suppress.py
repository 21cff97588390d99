from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import AuditEvent
from core.phones import BadPhone
from customers.models import Customer, Suppression
from customers.services import suppress as services
from customers.services.suppress import suppress
from customers.signals import customer_suppressed
from customers.tests.factories import CustomerFactory
from people.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 5, 2, 0, tzinfo=UTC)
NUMBER = "19100007548"


@pytest.fixture
def by():
    return UserFactory(role="data")


@pytest.fixture
def news():
    heard = []

    def hear(sender, **told):
        told.pop("signal")
        heard.append(told)

    customer_suppressed.connect(hear)
    yield heard
    customer_suppressed.disconnect(hear)


def is_suppressed(customer):
    return Customer.objects.get(pk=customer.pk).is_suppressed


def test_who_asks_not_to_be_called_is_suppressed_and_the_news_goes_out(by, news):
    customer = CustomerFactory()

    row = suppress(customer=customer, kind="refusal", by=by, at=AT, call_id=12)

    assert is_suppressed(customer)
    assert (row.valid_from, row.valid_to, row.created_by) == (AT, None, by)
    assert news == [{"customer_id": customer.pk, "campaign_id": None, "product_id": None, "kind": "refusal", "at": AT}]
    assert AuditEvent.objects.get(action="customers.customer.suppressed").city_id == customer.city_id


def test_a_receiver_that_fails_takes_the_suppression_with_it(by):
    customer = CustomerFactory()

    def fail(sender, **told):
        raise RuntimeError("leads could not be withdrawn")

    customer_suppressed.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            suppress(customer=customer, kind="refusal", by=by, at=AT)
    finally:
        customer_suppressed.disconnect(fail)

    assert not Suppression.objects.exists()
    assert not is_suppressed(customer)


def test_a_refused_offer_rests_the_product_and_leaves_the_person_callable(by):
    customer = CustomerFactory()

    suppress(customer=customer, kind="offer_refused", product_id=3, valid_to=AT + timedelta(days=90), by=by, at=AT)

    assert not is_suppressed(customer)


def test_the_same_twice_is_one_row(by, news):
    customer = CustomerFactory()

    first = suppress(customer=customer, kind="refusal", by=by, at=AT)
    again = suppress(customer=customer, kind="refusal", by=by, at=AT + timedelta(days=1))

    assert again == first
    assert len(news) == 2  # leads made in between are withdrawn all the same


def test_a_call_imported_twice_is_one_row_even_when_its_rest_is_over(by):
    customer = CustomerFactory()
    told = {
        "kind": "offer_refused",
        "product_id": 3,
        "valid_to": AT + timedelta(days=90),
        "call_id": 9,
        "by": by,
        "at": AT,
    }

    assert suppress(customer=customer, **told) == suppress(customer=customer, **told)


def test_a_later_end_is_a_row_of_its_own(by):
    customer = CustomerFactory()
    for days in (1, 2):
        suppress(customer=customer, kind="manual", valid_to=AT + timedelta(days=days), by=by, at=AT)

    assert Suppression.objects.count() == 2


def test_a_number_suppresses_the_person_it_belongs_to(by):
    customer = CustomerFactory(number=NUMBER)

    row = suppress(phone="191 0000 7548", kind="register", by=by, at=AT)

    assert row.customer == customer
    assert is_suppressed(customer)


def test_a_number_of_nobody_is_kept_without_its_digits(by):
    row = suppress(phone=NUMBER, kind="register", by=by, at=AT)

    assert row.customer is None
    assert NUMBER not in str(Suppression.objects.values().get())
    assert NUMBER not in str(list(AuditEvent.objects.values()))


def test_what_is_no_number_and_nobody_at_all_are_refused(by):
    with pytest.raises(BadPhone):
        suppress(phone="12", kind="register", by=by, at=AT)
    with pytest.raises(services.NobodyNamed):
        suppress(kind="register", by=by, at=AT)
    with pytest.raises(services.EndsBeforeItBegins):
        suppress(customer=CustomerFactory(), kind="manual", valid_to=AT, by=by, at=AT)


def test_lifting_frees_the_person_and_keeps_who_and_why(by):
    customer = CustomerFactory()
    row = suppress(customer=customer, kind="manual", by=by, at=AT)

    row = services.lift(suppression=row, by=by, at=AT + timedelta(hours=1), reason="asked for offers again, in writing")

    assert not is_suppressed(customer)
    assert (row.lifted_by, row.lift_reason) == (by, "asked for offers again, in writing")
    with pytest.raises(services.AlreadyLifted):
        services.lift(suppression=row, by=by, at=AT, reason="again")


def test_lifting_one_of_two_leaves_the_person_suppressed(by):
    customer = CustomerFactory(number=NUMBER)
    row = suppress(customer=customer, kind="manual", by=by, at=AT)
    suppress(phone=NUMBER, kind="register", by=by, at=AT)

    services.lift(suppression=row, by=by, at=AT, reason="entered twice")

    assert is_suppressed(customer)


@pytest.mark.parametrize("named", ["customer", "phone"])
def test_lifting_locks_the_person_before_the_suppression(by, named):
    customer = CustomerFactory(number=NUMBER)
    row = suppress(
        **{"customer": {"customer": customer}, "phone": {"phone": NUMBER}}[named], kind="manual", by=by, at=AT
    )

    with CaptureQueriesContext(connection) as asked:
        services.lift(suppression=row, by=by, at=AT, reason="entered twice")

    locks = [query["sql"] for query in asked.captured_queries if "FOR UPDATE" in query["sql"]]
    assert [sql.split("FOR UPDATE OF ")[1] for sql in locks] == ['"customers_customer"', '"customers_suppression"']


def test_lifting_needs_a_reason(by):
    row = suppress(customer=CustomerFactory(), kind="manual", by=by, at=AT)

    with pytest.raises(services.ReasonMissing):
        services.lift(suppression=row, by=by, at=AT, reason="  ")


def test_a_suppression_that_ends_by_date_frees_the_person_then(by):
    customer = CustomerFactory()
    end = AT + timedelta(days=1)
    suppress(customer=customer, kind="complaint", valid_to=end, by=by, at=AT)
    assert is_suppressed(customer)

    assert services.recompute_due(since=AT, at=end - timedelta(seconds=1)) == 0
    assert services.recompute_due(since=AT, at=end) == 1

    assert not is_suppressed(customer)


def test_history_that_ended_long_ago_frees_the_person_in_the_nightly_count(by):
    customer = CustomerFactory()
    suppress(customer=customer, kind="complaint", valid_to=AT - timedelta(days=300), by=by, at=AT - timedelta(days=400))

    assert services.recompute_all(at=AT) == 1
    assert not is_suppressed(customer)


def test_every_state_of_a_suppression_is_kept(by):
    row = suppress(customer=CustomerFactory(), kind="manual", by=by, at=AT)
    services.lift(suppression=row, by=by, at=AT, reason="asked again")

    events = row.events.order_by("pgh_id")

    assert [(event.pgh_label, event.lift_reason) for event in events] == [("insert", ""), ("update", "asked again")]
