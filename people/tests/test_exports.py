"""Files with personal data that need a second person: who asks, who lets them go, what is in force when."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from core.audit import audit
from core.clock import database_now
from core.errors import PermissionRefused
from core.models import AuditEvent
from people.models import ExportRequest, User
from people.retention import forget_filters
from people.services import exports
from people.tests.factories import CityFactory, MembershipFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def city():
    return CityFactory()


def ask(by, *, query="city=1", rows=500, purpose="audit of the quarter", by_team=False):
    return exports.ask_export(
        list_name="customers.customers", title="Customers", path="/customers/", query=query, rows=rows, purpose=purpose, by=by, at=database_now(),
        by_team=by_team,
    )  # fmt: skip


def take(by, *, query="city=1", rows=500, after=timedelta()):
    return exports.take_export(
        list_name="customers.customers", query=query, rows=rows, by=by, at=database_now() + after
    )


def decide(asked, by, approve=True):
    return exports.decide_export(asked=asked, approve=approve, by=by, at=database_now())


def test_a_file_leaves_for_24_hours_after_another_person_approved_it(city):
    clerk, manager = UserFactory(role="data", city=city), UserFactory(role="city_manager", city=city)
    asked = ask(clerk)
    assert take(clerk) is None

    decide(asked, manager)

    assert take(clerk) == asked
    assert ExportRequest.objects.get().downloaded_at is not None
    assert take(clerk, after=timedelta(hours=23, minutes=59)) == asked
    assert take(clerk, after=timedelta(hours=24, minutes=1)) is None
    assert [row.action for row in AuditEvent.objects.order_by("pk")] == ["people.export.asked", "people.export.decided"]


def test_an_approval_is_for_one_person_one_list_one_filter_and_about_so_many_rows(city):
    clerk, other = UserFactory(role="data", city=city), UserFactory(role="data", city=city)
    decide(ask(clerk, rows=1000), other)

    assert take(other, rows=1000) is None
    assert take(clerk, rows=1000, query="city=1&type=business") is None
    assert take(clerk, rows=1100) is not None
    assert take(clerk, rows=1101) is None


def test_nobody_approves_the_own_request(city):
    boss = UserFactory(role="administrator")
    asked = ask(boss)

    with pytest.raises(PermissionRefused, match="second person"):
        decide(asked, boss)

    with pytest.raises(IntegrityError), transaction.atomic():
        ExportRequest.objects.filter(pk=asked.pk).update(state="approved", decided_by=boss, decided_at=database_now())


def test_a_city_decides_for_its_own_people_alone(city):
    other = UserFactory(role="city_manager", city=CityFactory())
    regional = UserFactory(role="regional_manager")
    of_region, of_city = ask(UserFactory(role="data")), ask(UserFactory(role="data", city=city))
    of_team = ask(UserFactory(role="team_leader", team=TeamFactory(city=city)))
    manager = UserFactory(role="city_manager", city=city)

    assert set(ExportRequest.objects.visible_to(other)) == set()
    assert set(ExportRequest.objects.visible_to(manager)) == {of_city, of_team}
    assert ExportRequest.objects.visible_to(regional).count() == 3
    for asked, by in ((of_city, other), (of_region, manager)):
        with pytest.raises(PermissionRefused):
            decide(asked, by)
    with pytest.raises(PermissionRefused):
        decide(of_city, UserFactory(role="campaign_manager", city=city))


def test_a_decision_is_made_once_and_a_purpose_is_needed(city):
    clerk, boss = UserFactory(role="data", city=city), UserFactory(role="administrator")
    with pytest.raises(exports.PurposeMissing):
        ask(clerk, purpose=" ")
    asked = ask(clerk)
    assert ask(clerk) == asked

    decide(asked, boss, approve=False)

    with pytest.raises(exports.DecidedAlready):
        decide(asked, boss)
    assert take(clerk) is None
    assert ask(clerk) != asked


def test_fewer_than_500_rows_in_a_day_leave_without_a_second_person():
    clerk, at = UserFactory(role="data"), database_now()
    for ago, rows in ((timedelta(hours=25), 400), (timedelta(hours=1), 300)):
        audit("core.list.exported", by=clerk, at=at - ago, rows=rows, alone=True)
    audit("core.list.exported", by=clerk, at=at, rows=9000, request=1)

    assert exports.may_leave_alone(rows=199, by=clerk, at=at)
    assert not exports.may_leave_alone(rows=200, by=clerk, at=at)
    assert not exports.may_leave_alone(rows=500, by=UserFactory(role="data"), at=at)


def test_the_filters_of_a_request_are_forgotten_30_days_after_its_decision(city):
    asked = ask(UserFactory(role="data", city=city), query="name=%E5%AD%99")
    decide(asked, UserFactory(role="administrator"))

    assert forget_filters(database_now() + timedelta(days=29)) == 0
    assert forget_filters(database_now() + timedelta(days=31)) == 1
    assert ExportRequest.objects.get().query == ""


def test_an_approval_in_force_keeps_its_filters_however_old_the_request_is(city):
    """Without them the file could not be taken, and the approval would let the whole list go."""
    clerk = UserFactory(role="data", city=city)
    asked = ask(clerk, query="name=%E5%AD%99")
    ExportRequest.objects.update(asked_at=database_now() - timedelta(days=31))
    decide(asked, UserFactory(role="administrator"))

    assert forget_filters(database_now()) == 0
    assert take(clerk, query="") is None
    assert take(clerk, query="name=%E5%AD%99") == asked


def test_a_request_that_nobody_decides_lapses_after_30_days_with_its_filters(city):
    clerk, boss = UserFactory(role="data", city=city), UserFactory(role="administrator")
    asked = ask(clerk, query="name=%E5%AD%99")

    assert forget_filters(database_now() + timedelta(days=29)) == 0
    assert forget_filters(database_now() + timedelta(days=31)) == 1

    asked.refresh_from_db()
    assert (asked.query, asked.get_state_display()) == ("", "Expired")
    assert not ExportRequest.objects.waiting().exists()
    with pytest.raises(exports.DecidedAlready, match="anew"):
        decide(asked, boss)
    assert forget_filters(database_now() + timedelta(days=32)) == 0


def test_who_has_come_to_see_another_city_needs_another_approval(city):
    clerk, other = UserFactory(role="data", city=city), CityFactory()
    decide(ask(clerk), UserFactory(role="city_manager", city=city))
    MembershipFactory(user=clerk, role="data", city=other)

    assert take(User.objects.get(pk=clerk.pk)) is None


def test_a_team_leaders_calls_may_be_of_any_city_so_the_region_decides(city):
    leader = UserFactory(role="team_leader", team=TeamFactory(city=city))

    asked = ask(leader, by_team=True)

    assert asked.is_region
    assert not ExportRequest.objects.visible_to(UserFactory(role="city_manager", city=city)).exists()
    assert not ask(UserFactory(role="data", city=city), by_team=True).is_region


def test_a_request_names_its_list_in_the_language_of_its_reader(client, city):
    clerk = UserFactory(role="data", city=city)
    asked = ask(clerk)
    ExportRequest.objects.filter(pk=asked.pk).update(title="客户")
    client.force_login(clerk)

    page = client.get(reverse("people:exports"), headers={"accept-language": "en"}).content.decode()

    assert "Customers" in page.partition("<tbody")[2]
    assert "客户" not in page
