import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from core import idempotency
from core.idempotency import KeyInUse, KeyReused, KeyTooLong, once, purge_keys
from core.models import IdempotencyKey
from core.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def deeds():
    return []


def answering(deeds):
    def run():
        deeds.append(1)
        return {"call": len(deeds)}

    return run


def test_a_repeat_gets_the_first_answer_and_does_nothing(deeds):
    user = UserFactory()

    answers = [once(user=user, key="k1", fingerprint={"result": "sold"}, run=answering(deeds)) for _time in range(3)]

    assert answers == [{"call": 1}] * 3
    assert deeds == [1]


def test_the_order_of_fields_does_not_make_another_post(deeds):
    user = UserFactory()
    once(user=user, key="k1", fingerprint={"a": 1, "b": 2}, run=answering(deeds))

    assert once(user=user, key="k1", fingerprint={"b": 2, "a": 1}, run=answering(deeds)) == {"call": 1}


def test_the_same_key_with_other_content_is_refused(deeds):
    user = UserFactory()
    once(user=user, key="k1", fingerprint={"result": "sold"}, run=answering(deeds))

    with pytest.raises(KeyReused):
        once(user=user, key="k1", fingerprint={"result": "busy"}, run=answering(deeds))


def test_two_people_may_use_the_same_key(deeds):
    first = once(user=UserFactory(), key="k1", fingerprint="a", run=answering(deeds))
    second = once(user=UserFactory(), key="k1", fingerprint="a", run=answering(deeds))

    assert (first, second) == ({"call": 1}, {"call": 2})


def test_without_a_key_every_post_is_done(deeds):
    for _time in range(2):
        once(user=UserFactory(), key="", fingerprint="a", run=answering(deeds))

    assert deeds == [1, 1]


def test_a_refused_deed_leaves_the_key_free(deeds):
    user = UserFactory()

    def refuse():
        raise ValueError

    with pytest.raises(ValueError):
        once(user=user, key="k1", fingerprint="a", run=refuse)

    assert once(user=user, key="k1", fingerprint="a", run=answering(deeds)) == {"call": 1}


def test_what_was_posted_is_not_kept(deeds):
    once(user=UserFactory(), key="k1", fingerprint={"phone": "19100007548"}, run=answering(deeds))

    assert b"19100007548" not in bytes(IdempotencyKey.objects.get().fingerprint)


def test_a_key_too_long_is_told(deeds):
    with pytest.raises(KeyTooLong):
        once(user=UserFactory(), key="k" * 201, fingerprint="a", run=answering(deeds))


def test_old_answers_are_forgotten(deeds):
    once(user=UserFactory(), key="k1", fingerprint="a", run=answering(deeds))

    assert purge_keys(at=timezone.now() + timedelta(days=6)) == 0
    assert purge_keys(at=timezone.now() + timedelta(days=8)) == 1


def in_threads(count, work):
    barrier, results = threading.Barrier(count), []

    def one():
        barrier.wait()
        try:
            results.append(work())
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_repeats_at_the_same_moment_wait_for_the_first(deeds):
    user = UserFactory()

    def slow():
        deeds.append(1)
        threading.Event().wait(0.2)
        return {"call": len(deeds)}

    answers = in_threads(4, lambda: once(user=user, key="k1", fingerprint="a", run=slow))

    assert answers == [{"call": 1}] * 4
    assert deeds == [1]


@pytest.mark.django_db(transaction=True)
def test_a_repeat_does_not_wait_for_ever(deeds, monkeypatch):
    monkeypatch.setattr(idempotency, "WAIT", "100ms")
    user = UserFactory()

    def slow():
        threading.Event().wait(0.6)
        return {"call": 1}

    answers = in_threads(2, lambda: once(user=user, key="k1", fingerprint="a", run=slow))

    assert {type(answer) for answer in answers} == {dict, KeyInUse}
