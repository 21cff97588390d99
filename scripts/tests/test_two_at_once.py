"""Two who write at the same moment: the second waits for the first, then hears in a sentence what is there now."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction

from people.tests.factories import UserFactory
from scripts import services, services_knowledge, services_maps, services_products, services_scenarios, services_steps
from scripts.models import GuidanceCard, Product, ProhibitedWord, Scenario, Script, ScriptVersion

from .factories import ProductFactory, ScriptVersionFactory, live_version

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def after(first: Callable[[], Any], second: Callable[[], Any]) -> str:
    """`first` has been done but is not committed yet when `second` begins on another connection; the name of its refusal, or ""."""
    begun, told = threading.Event(), []

    def other() -> None:
        try:
            begun.set()
            second()
            told.append("")
        except Exception as error:
            told.append(type(error).__name__)
        finally:
            connection.close()

    waiting = threading.Thread(target=other)
    with transaction.atomic():
        first()
        waiting.start()
        begun.wait(5)
        waiting.join(0.5)  # it waits for the lock meanwhile, when there is one
        was_waiting = waiting.is_alive()
    waiting.join(10)
    assert was_waiting, "the second did not wait for the first"
    return told[0]


@pytest.fixture
def writer():
    return UserFactory(role="campaign_manager")


@pytest.fixture
def qa():
    return UserFactory(role="qa")


def in_review(writer) -> ScriptVersion:
    version = ScriptVersionFactory(six_parts=True, created_by=writer)
    return services.submit_version(version=version, by=writer, at=AT)


def test_a_text_is_not_written_while_it_is_sent_to_review_and_approved(writer, qa):
    version = ScriptVersionFactory(six_parts=True, created_by=writer)
    step = version.steps.first()

    def reviewed() -> None:
        services.submit_version(version=version, by=writer, at=AT)
        services.approve_version(version=version, by=qa, at=AT)

    refusal = after(reviewed, lambda: services_steps.save_step(step=step, values={"text": "late"}, by=writer, at=AT))

    step.refresh_from_db()
    assert (refusal, step.text != "late") == ("VersionIsFixed", True)


def test_who_wrote_at_the_last_moment_does_not_approve(writer, qa):
    version = in_review(writer)

    def written() -> None:
        services.send_back(version=version, by=writer, at=AT)
        services_steps.save_step(step=version.steps.first(), values={"text": "other"}, by=qa, at=AT)
        services.submit_version(version=version, by=writer, at=AT)

    assert after(written, lambda: services.approve_version(version=version, by=qa, at=AT)) == "ApprovalRefused"


def test_sending_back_and_a_new_version_leave_one_draft(writer):
    version = in_review(writer)

    def new() -> None:
        services.new_version(script=version.script, by=writer, at=AT)

    refusal = after(lambda: services.send_back(version=version, by=writer, at=AT), new)

    assert refusal == ""  # it found the draft that was sent back
    assert list(version.script.versions.values_list("number", "status")) == [(1, "draft")]


def test_a_new_version_while_one_goes_to_review_is_refused(writer):
    version = ScriptVersionFactory(six_parts=True, created_by=writer)

    refusal = after(
        lambda: services.submit_version(version=version, by=writer, at=AT),
        lambda: services.new_version(script=version.script, by=writer, at=AT),
    )

    assert (refusal, version.script.versions.count()) == ("DraftIsOpen", 1)


def test_two_new_versions_at_once_are_one(writer):
    script = live_version().script

    def new() -> None:
        services.new_version(script=script, by=writer, at=AT)

    assert (after(new, new), script.versions.count()) == ("", 2)


def test_of_two_that_put_versions_in_force_the_second_displaces_the_first(qa):
    before = live_version()
    one, other = (ScriptVersionFactory(script=before.script, six_parts=True, status="approved") for _ in range(2))

    def put(version: ScriptVersion) -> Callable[[], Any]:
        return lambda: services.make_live(version=version, by=qa, at=AT)

    assert after(put(one), put(other)) == ""
    assert list(before.script.versions.order_by("number").values_list("status", flat=True)) == [
        "retired",
        "retired",
        "live",
    ]


def test_the_same_version_is_put_in_force_once(qa):
    version = ScriptVersionFactory(six_parts=True, status="approved")

    def put() -> None:
        services.make_live(version=version, by=qa, at=AT)

    assert after(put, put) == "WrongMoment"


def test_of_two_who_write_at_one_step_the_second_is_told(writer, qa):
    version = ScriptVersionFactory(six_parts=True)
    step = version.steps.first()
    seen = services_steps.stamp_of(step)

    refusal = after(
        lambda: services_steps.save_step(step=step, values={"text": "one"}, seen=seen, by=writer, at=AT),
        lambda: services_steps.save_step(step=step, values={"text": "two"}, seen=seen, by=qa, at=AT),
    )

    step.refresh_from_db()
    assert (refusal, step.text) == ("WrittenMeanwhile", "one")


@pytest.mark.parametrize("what", ["product", "script", "scenario", "word"])
def test_of_two_new_ones_of_one_name_the_second_is_told(writer, what):
    product = ProductFactory()
    verbs: dict[str, Callable[[], Any]] = {
        "product": lambda: services_products.save_product(product=Product(code="X", name="x"), by=writer, at=AT),
        "script": lambda: services.create_script(script=Script(code="X", name="x", product=product), by=writer, at=AT),
        "scenario": lambda: services_scenarios.save_scenario(
            scenario=Scenario(name="X", picture="p", product=product), by=writer, at=AT
        ),
        "word": lambda: services_knowledge.save_word(word=ProhibitedWord(word="x"), by=writer, at=AT),
    }

    refusal = after(verbs[what], verbs[what])

    assert refusal == {"scenario": "NameTaken", "word": "WordRefused"}.get(what, "CodeTaken")


def test_a_word_that_is_removed_meanwhile_does_not_come_back(qa):
    word = ProhibitedWord.objects.create(word="cheapest")
    kept = ProhibitedWord.objects.get(pk=word.pk)
    kept.why = "better reason"

    refusal = after(
        lambda: services_knowledge.remove_word(word=word, reason="fine", by=qa, at=AT),
        lambda: services_knowledge.save_word(word=kept, by=qa, at=AT),
    )

    assert (refusal, ProhibitedWord.objects.count()) == ("WordRefused", 0)


@pytest.mark.parametrize("verb", ["change", "move", "remove"])
def test_a_card_that_is_taken_away_meanwhile_is_told(qa, verb):
    found = services_maps.open_map(product=ProductFactory(), by=qa, at=AT)
    card = services_maps.add_card(map=found, quadrant=GuidanceCard.Quadrant.DUTY, text="t", by=qa, at=AT)
    gone = GuidanceCard.objects.get(pk=card.pk)
    verbs: dict[str, Callable[[], Any]] = {
        "change": lambda: services_maps.change_card(card=card, text="n", note="", by=qa, at=AT),
        "move": lambda: services_maps.move_card(card=card, quadrant=GuidanceCard.Quadrant.STRENGTH, by=qa, at=AT),
        "remove": lambda: services_maps.remove_card(card=card, by=qa, at=AT),
    }

    assert after(lambda: services_maps.remove_card(card=gone, by=qa, at=AT), verbs[verb]) == "CardIsGone"
