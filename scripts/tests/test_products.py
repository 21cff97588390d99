"""Products and offers: the switch is a verb of its own, an open page undoes nothing, the trail says what was and what is."""

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from core.models import AuditEvent
from people.tests.factories import UserFactory
from scripts import services_products as services
from scripts.models import Offer, Product

from .factories import OfferFactory, ProductFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


@pytest.fixture
def manager(client):
    user = UserFactory(role="campaign_manager", language="en")
    client.force_login(user)
    return user


def shown(form) -> dict[str, str]:
    """What the browser would send of a page as it was served: every field, and beside it what it was."""
    sent = {}
    for bound in form:
        value = bound.value()
        text = "" if value is None or value is False else "on" if value is True else str(value)
        if text:
            sent[bound.html_name] = text
        sent[bound.html_initial_name] = "" if value is None else str(value)
    return sent


def opened(client, name, *args) -> dict[str, str]:
    return shown(client.get(reverse(f"scripts:{name}", args=args)).context["form"])


def told(action: str) -> dict:
    return AuditEvent.objects.filter(action=action).latest("id").detail


# ---------------------------------------------------------------- verbs


def test_stopping_a_product_and_letting_it_be_sold_again_is_told_with_its_reason(manager):
    product = ProductFactory()

    services.switch_product(product=product, is_on=False, reason="recalled", by=manager, at=AT)
    product.refresh_from_db()

    assert not product.is_on
    assert told("scripts.product.switched") == {"is_on": False, "reason": "recalled"}
    services.switch_product(product=product, is_on=True, reason="", by=manager, at=AT)
    product.refresh_from_db()
    assert product.is_on


def test_what_is_saved_of_a_product_is_what_is_other_and_never_the_switch(manager):
    product = ProductFactory(name="Old", price_cents=100)
    read_before = Product.objects.get(pk=product.pk)
    services.switch_product(product=product, is_on=False, reason="", by=manager, at=AT)

    read_before.name, read_before.price_cents = "New", 250
    saved = services.save_product(product=read_before, by=manager, at=AT)

    product.refresh_from_db()
    assert (product.name, product.price_cents, product.is_on, saved.is_on) == ("New", 250, False, False)
    assert told("scripts.product.saved")["changed"] == {"name": ["Old", "New"], "price_cents": [100, 250]}


def test_saving_what_stands_already_leaves_no_trace(manager):
    product = ProductFactory()

    services.save_product(product=Product.objects.get(pk=product.pk), by=manager, at=AT)

    assert not AuditEvent.objects.filter(action="scripts.product.saved").exists()


def test_an_offer_tells_its_days_before_and_after(manager):
    offer = OfferFactory(valid_from=date(2026, 1, 1))
    offer.valid_from, offer.terms = date(2026, 2, 1), "t" * 600

    services.save_offer(offer=offer, by=manager, at=AT)

    assert told("scripts.offer.saved")["changed"] == {
        "terms": ["", f"{'t' * 500}…"],
        "valid_from": ["2026-01-01", "2026-02-01"],
    }


@pytest.mark.parametrize(("make", "verb", "name"), [
    (ProductFactory, services.save_product, "product"), (OfferFactory, services.save_offer, "offer"),
])  # fmt: skip
def test_a_code_that_is_taken_is_told_in_a_sentence(manager, make, verb, name):
    make(code="X-1")
    other = make(code="X-2")

    new = Product(code="X-1", name="n") if make is ProductFactory else Offer(
        code="X-1", name="n", product=other.product, valid_from=AT.date()
    )  # fmt: skip
    with pytest.raises(services.CodeTaken, match="X-1"):
        verb(**{name: new}, by=manager, at=AT)
    other.code = "X-1"
    with pytest.raises(services.CodeTaken, match="X-1"):
        verb(**{name: other}, by=manager, at=AT)


# ---------------------------------------------------------------- pages


def test_an_open_form_does_not_switch_a_stopped_product_on_again(client, manager):
    product = ProductFactory(name="Old")
    page = opened(client, "product_edit", product.pk)
    client.post(reverse("scripts:product_switch", args=[product.pk]), {"is_on": "0", "reason": "recalled"})

    client.post(reverse("scripts:product_edit", args=[product.pk]), page | {"name": "New", "is_on": "on"})

    product.refresh_from_db()
    assert (product.name, product.is_on) == ("New", False)


def test_what_another_changed_under_the_open_form_stays(client, manager):
    product = ProductFactory(name="Old", price_cents=12_950, description="here")
    page = opened(client, "product_edit", product.pk)
    assert page["price_cents"] == "129.5"
    Product.objects.filter(pk=product.pk).update(price_cents=9_900, is_larger_plan=False)

    client.post(reverse("scripts:product_edit", args=[product.pk]), page | {"name": "New", "description": ""})

    product.refresh_from_db()
    assert (product.name, product.price_cents, product.is_larger_plan, product.description) == ("New", 9_900, False, "")
    assert told("scripts.product.saved")["changed"] == {"description": ["here", ""], "name": ["Old", "New"]}


def test_the_end_of_an_offer_that_another_set_stays(client, manager):
    offer = OfferFactory(name="Old")
    page = opened(client, "offer_edit", offer.product_id, offer.pk)
    Offer.objects.filter(pk=offer.pk).update(valid_to=date(2027, 1, 1))

    url = reverse("scripts:offer_edit", args=[offer.product_id, offer.pk])
    told = client.post(url, page | {"name": "New"})
    offer.refresh_from_db()
    assert (told.status_code, offer.name) == (422, "Old")

    # told of it, the writer means it
    client.post(url, page | {"name": "New", "seen": told.context["form"]["seen"].value()})

    offer.refresh_from_db()
    assert (offer.name, offer.valid_to) == ("New", date(2027, 1, 1))


def test_the_page_offers_to_stop_a_product_and_to_let_it_be_sold_again(client, manager):
    product = ProductFactory()
    url = reverse("scripts:product", args=[product.pk])

    assert "Stop selling it" in client.get(url).content.decode()
    client.post(reverse("scripts:product_switch", args=[product.pk]), {"is_on": "0"})
    page = client.get(url).content.decode()

    assert all(words in page for words in ("Let it be sold again", "switched off"))


def test_who_does_not_write_products_does_not_switch_them(client):
    client.force_login(UserFactory(role="trainer"))
    product = ProductFactory()

    assert client.post(reverse("scripts:product_switch", args=[product.pk]), {"is_on": "0"}).status_code == 403
    product.refresh_from_db()
    assert product.is_on
