"""The age of registers by source: the oldest source in use decides, a retired one does not count, and its numbers stay uncalled."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from core.clock import database_now
from core.errors import PermissionRefused
from core.models import AuditEvent
from customers.models import Register, RegisterRetirement
from customers.services import registers
from customers.services.register_dates import counted_date, sources
from customers.tests.test_registers import A, B, in_force, load, numbers_file, receive, text
from people.tests.factories import CityFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
OLD, YOUNG = date(2026, 8, 1), date(2026, 11, 20)


@pytest.fixture
def data():
    return UserFactory(role="data")


@pytest.fixture
def both(data):
    """A big register gone stale, and a small fresh one."""
    return load(numbers_file(A), data, source="MIIT", dated_on=OLD), load(
        numbers_file(B), data, source="Trade body", dated_on=YOUNG
    )


def retire(row, by, reason="not published any more"):
    return registers.retire_source(register=row, by=by, at=database_now(), reason=reason)


def use_again(row, by, reason="published again"):
    return registers.use_source_again(register=row, by=by, at=database_now(), reason=reason)


def test_without_any_register_there_is_no_age(data):
    assert counted_date() is None


def test_a_small_fresh_register_does_not_hide_a_stale_one(both):
    assert counted_date() == OLD


def test_of_one_source_the_newest_whole_register_counts(data, both):
    load(numbers_file(A), data, source="MIIT", dated_on=date(2026, 11, 10))
    load(numbers_file(A), data, source="MIIT", dated_on=date(2026, 11, 25), is_whole=False)

    assert counted_date() == date(2026, 11, 10)


def test_a_retired_source_counts_no_more_and_its_numbers_stay_uncalled(data, both):
    retire(both[0], data)

    assert counted_date() == YOUNG
    assert in_force() == {A, B}
    assert [(item.register.source, item.counts) for item in sources()] == [("Trade body", True), ("MIIT", False)]
    trail = AuditEvent.objects.get(action="customers.register.retired")
    assert (trail.detail["source"], trail.detail["reason"]) == ("MIIT", "not published any more")


def test_when_every_source_is_retired_there_is_no_register(data, both):
    for row in both:
        retire(row, data)

    assert counted_date() is None


def test_a_source_used_again_counts_again(data, both):
    retire(both[0], data)

    use_again(both[0], data)

    assert counted_date() == OLD
    row = RegisterRetirement.objects.get()
    assert (row.ended_by, row.end_reason) == (data, "published again")
    assert AuditEvent.objects.filter(action="customers.register.used_again").count() == 1


def test_neither_is_done_twice_or_without_a_reason(data, both):
    with pytest.raises(registers.SourceInUse):
        use_again(both[0], data)
    with pytest.raises(registers.ReasonMissing):
        retire(both[0], data, reason="  ")
    retire(both[0], data)
    with pytest.raises(registers.SourceRetired):
        retire(both[0], data)


def test_an_edition_of_a_retired_source_is_refused_and_one_at_work_is_not_retired(data, both):
    receive(numbers_file(B), data, source="Trade body", dated_on=YOUNG)
    with pytest.raises(registers.RegisterAtWork):
        retire(both[1], data)
    retire(both[0], data)

    with pytest.raises(registers.SourceRetired):
        receive(numbers_file(A), data, source="MIIT", dated_on=YOUNG)

    assert Register.objects.filter(source="MIIT").count() == 1


@pytest.mark.parametrize(("role", "is_city"), [("qa", False), ("campaign_manager", False), ("data", True)])
def test_who_loads_no_registers_retires_no_source(both, role, is_city):
    other = UserFactory(role=role, city=CityFactory() if is_city else None)

    with pytest.raises(PermissionRefused):
        retire(both[0], other)
    with pytest.raises(PermissionRefused):
        use_again(both[0], other)


# ---------------------------------------------------------------- the page


def test_the_page_shows_each_source_with_its_age_and_takes_the_decision(client, data, both):
    client.force_login(data)
    page = text(client.get(reverse("customers:registers")))
    for part in ("MIIT", "Trade body", "counts", "Retire the source MIIT"):
        assert part in page

    client.post(reverse("customers:register-retire", args=[both[0].pk]), {"reason": "given up"})
    page = text(client.get(reverse("customers:registers")))
    assert "given up" in page
    assert "Use the source MIIT again" in page

    client.post(reverse("customers:register-use-again", args=[both[0].pk]), {"reason": "is back"})
    assert counted_date() == OLD


def test_what_is_wrong_with_a_decision_is_said_on_the_page(client, data, both):
    client.force_login(data)

    answer = client.post(reverse("customers:register-retire", args=[both[0].pk]), {"reason": ""}, follow=True)

    assert "Say why." in text(answer)
    assert counted_date() == OLD


def test_who_only_reads_sees_the_sources_and_decides_nothing(client, both):
    client.force_login(UserFactory(role="qa"))

    page = text(client.get(reverse("customers:registers")))

    assert "MIIT" in page
    assert "Retire the source" not in page
    assert client.post(reverse("customers:register-retire", args=[both[0].pk]), {"reason": "x"}).status_code == 403
    client.force_login(UserFactory(agent=TeamFactory()))
    assert client.post(reverse("customers:register-retire", args=[both[0].pk]), {"reason": "x"}).status_code == 403
