"""What is kept of everybody's numbers and consents follows every change, and every minute, without being made anew."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection, transaction

from campaigns.funnel import counting, reach, statement
from campaigns.funnel.counting import cut
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import add_phone
from customers.models import Consent, ContactRule, Customer, Phone, Suppression

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Kept:
    """A campaign of one lead, counted once by what is kept of the whole pool; from then on nothing may be made anew."""

    def __init__(self, monkeypatch, *, consented: bool = True) -> None:
        cache.clear()
        self.floor = Floor()
        pack = self.floor.campaign.packs.get()
        ContactRule.objects.create(pack=pack, key="consent", value={"needed": True}, valid_from="2020-01-01")
        self.person = self.floor.lead().customer
        if consented:
            self.consent()
        self.monkeypatch = monkeypatch
        monkeypatch.setattr(statement, "is_large", lambda campaign: True)
        self.first = self.name()
        self.making = reach._made
        monkeypatch.setattr(reach, "_made", self._must_not)

    def _must_not(self, *_args):
        raise AssertionError("made anew")

    def consent(self, **fields) -> Consent:
        given = {"basis": "form", "stated_by": "x", "given_at": AT - DAY}
        return Consent.objects.create(customer=self.person, kind="marketing_calls", **{**given, **fields})

    def list_number(self, **fields) -> Suppression:
        given = {"kind": "register", "valid_from": AT - DAY}
        return Suppression.objects.create(phone_blind=self.person.phones.first().blind_index, **{**given, **fields})

    def name(self, at=AT) -> str:
        """The class of the one lead."""
        (name,) = cut(counting.count([self.floor.campaign], at).values()).counts
        return name

    def name_made_anew(self) -> str:
        """The same, with what is kept of the pool made anew once more."""
        cache.clear()
        self.monkeypatch.setattr(reach, "_made", self.making)
        name = self.name()
        self.monkeypatch.setattr(reach, "_made", self._must_not)
        return name


@pytest.fixture
def kept(monkeypatch):
    return Kept(monkeypatch)


def test_what_is_kept_is_asked_and_nothing_made_anew(kept):
    assert kept.first == "callable"
    assert kept.name() == kept.name(AT + 59 * MINUTE) == "callable"


def test_after_the_hour_it_is_made_anew(kept):
    with pytest.raises(AssertionError, match="made anew"):
        kept.name(AT + 60 * MINUTE)


def test_a_number_that_dies_and_comes_back_and_a_consent_that_moves_to_somebody_else(kept):
    number = kept.person.phones.get()
    Phone.objects.filter(pk=number.pk).update(is_dead=True)
    assert kept.name() == "number"
    Phone.objects.filter(pk=number.pk).update(is_dead=False)
    assert kept.name() == "callable"
    other = kept.floor.lead().customer
    Consent.objects.filter(customer=kept.person).update(customer=other)
    assert cut(counting.count([kept.floor.campaign], AT).values()).counts == {"consent": 1, "callable": 1}


def test_a_number_deleted_and_another_added(kept):
    kept.person.phones.all().delete()
    assert kept.name() == "number"
    add_phone(kept.person, "19000009999")
    assert kept.name() == "callable"


def test_a_number_put_on_a_list_taken_off_and_deleted_from_it(kept):
    entry = kept.list_number()
    assert kept.name() == "number"
    Suppression.objects.filter(pk=entry.pk).update(lifted_at=AT, lifted_by=kept.floor.agent, lift_reason="x")
    assert kept.name() == "callable"
    entry = kept.list_number()
    assert kept.name() == "number"
    Suppression.objects.filter(pk=entry.pk).delete()
    assert kept.name() == "callable"


def test_a_consent_withdrawn_and_given_again(kept):
    Consent.objects.update(withdrawn_at=AT)
    assert kept.name() == "consent"
    kept.consent()
    assert kept.name() == "callable"
    Consent.objects.all().delete()
    assert kept.name() == "consent"


@pytest.mark.parametrize(
    ("what", "before", "after"),
    [
        (lambda k: k.list_number(valid_from=AT + 30 * MINUTE), "callable", "number"),
        (lambda k: k.list_number(valid_to=AT + 30 * MINUTE), "number", "callable"),
        (lambda k: Consent.objects.update(expires_at=AT + 30 * MINUTE), "callable", "consent"),
        (lambda k: Consent.objects.update(given_at=AT + 30 * MINUTE), "consent", "callable"),
    ],
)
def test_what_begins_or_ends_within_the_hour_does_so_in_its_minute(kept, what, before, after):
    what(kept)
    assert kept.name_made_anew() == before

    assert kept.name(AT + 29 * MINUTE) == before
    assert kept.name(AT + 30 * MINUTE) == after


def test_an_entry_for_another_campaign_is_looked_up(kept):
    kept.list_number(campaign_id=kept.floor.campaign.pk + 1)
    assert kept.name_made_anew() == "callable"
    kept.list_number(campaign_id=kept.floor.campaign.pk)

    assert kept.name_made_anew() == "number"


def test_a_statement_that_changes_many_has_everything_made_anew(kept):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_consent (customer_id, kind, basis, evidence, stated_by, given_at)"
            " SELECT %s, 'marketing_calls', 'form', '', 'x', now() FROM generate_series(1, 1001)",
            [kept.person.pk],
        )

    with pytest.raises(AssertionError, match="made anew"):
        kept.name()


def test_a_pool_of_which_much_depends_on_the_campaign_is_found_out_for_it(kept, monkeypatch):
    monkeypatch.setattr(reach, "MOST_LOOKED_UP", -1)
    kept.list_number(campaign_id=kept.floor.campaign.pk)

    assert kept.name_made_anew() == "number"


def test_what_was_open_while_it_was_made_counts_when_it_is_committed(kept, elsewhere):
    """Its number is smaller than that of the moment, and yet nobody saw it: to go by the number alone would lose it."""
    with elsewhere.cursor() as cursor:
        cursor.execute("UPDATE customers_phone SET is_dead = true")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()")  # somebody later, who is through
    assert kept.name_made_anew() == "callable"

    elsewhere.commit()

    assert kept.name() == "number"


def test_a_list_and_a_number_that_did_not_see_each_other(kept, elsewhere):
    """Whose number it is, nobody could tell who wrote the entry: it was added meanwhile."""
    number = kept.person.phones.get()
    Phone.objects.update(blind_index=b"elsewhere")
    with elsewhere.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_suppression (phone_blind, kind, valid_from, note, source, lift_reason) VALUES (%s, 'register', %s, '', '', '')",
            [bytes(number.blind_index), AT - DAY],
        )
    Phone.objects.update(blind_index=number.blind_index)
    assert kept.name_made_anew() == "callable"

    elsewhere.commit()

    assert kept.name() == "number"


def test_who_came_after_it_was_made_is_looked_up(kept):
    late = kept.floor.lead().customer

    assert late.pk > kept.person.pk
    assert cut(counting.count([kept.floor.campaign], AT).values()).counts == {"consent": 1, "callable": 1}


def test_what_a_transaction_sees_of_itself_is_not_kept(kept, monkeypatch):
    cache.clear()
    monkeypatch.setattr(reach, "_made", kept.making)
    with transaction.atomic():
        Phone.objects.update(is_dead=True)
        assert kept.name() == "number"
        transaction.set_rollback(True)

    assert kept.name() == "callable"


def test_old_notes_are_forgotten_and_new_ones_stay(kept):
    Phone.objects.update(is_dead=True)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM customers_reach_note WHERE at < now() - interval '20 hours'")
        cursor.execute("INSERT INTO customers_reach_note (at, persons) VALUES (now() - interval '25 hours', '{1}')")

    assert reach.forget_notes() == 1
    assert kept.name() == "number"


def test_a_person_with_attempts_of_long_ago_only_is_plain(kept):
    """None of the rules reaches back so far: nothing is joined, and the class is the place's."""
    Customer.objects.update(attempts=[AT - DAY, AT - 2 * DAY, AT - 40 * DAY], callable_from=AT - DAY + 2 * MINUTE)
    assert kept.name() == "callable"
    Customer.objects.update(attempts=[AT - 3 * 60 * MINUTE, AT - DAY + MINUTE])
    assert kept.name() == "cap"
