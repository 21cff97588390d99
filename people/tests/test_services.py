from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework.authtoken.models import Token

from core.models import AuditEvent
from people.models import City, Membership, User
from people.services import belonging, persons, places
from people.tests.factories import CityFactory, MembershipFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 6, 4, 0, tzinfo=UTC)
DAY = date(2026, 5, 6)
GOOD = "correct horse 42"


@pytest.fixture
def admin():
    return UserFactory(role="administrator")


def test_a_new_person_has_the_role_from_the_day_and_the_trail_says_who_made_them(admin):
    team = TeamFactory()

    person = persons.create_person(
        username="chen", display_name="陈美玲", password=GOOD, code="A7", role="agent", team=team, valid_from=DAY, by=admin, at=AT
    )  # fmt: skip

    assert person.check_password(GOOD)
    assert person.team_at(AT) == team
    assert person.team_at(datetime(2026, 5, 5, 4, 0, tzinfo=UTC)) is None
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {"people.user.created", "people.role.given"}
    assert set(AuditEvent.objects.values_list("actor_id", flat=True)) == {admin.pk}


def test_an_account_without_password_cannot_sign_in(admin):
    person = persons.create_person(username="old-dialer-7", display_name="", by=admin, at=AT)

    assert not person.has_usable_password()


def test_a_user_name_is_taken_whatever_its_case(admin):
    UserFactory(username="Chen")

    with pytest.raises(persons.NameTaken):
        persons.create_person(username="chen", display_name="", by=admin, at=AT)


def test_an_agent_code_is_given_once(admin):
    UserFactory(code="A7")

    with pytest.raises(persons.AgentCodeTaken):
        persons.create_person(username="chen", display_name="", code="A7", by=admin, at=AT)


def test_a_weak_password_is_refused_and_no_account_is_made(admin):
    with pytest.raises(persons.PasswordTooWeak):
        persons.create_person(username="chen", display_name="", password="123", by=admin, at=AT)

    assert not User.objects.filter(username="chen").exists()


def test_changing_team_from_a_day_keeps_the_time_before_with_the_old_team(admin):
    old, new = TeamFactory(), TeamFactory()
    agent = UserFactory(agent=old)

    belonging.change_team(user=agent, team=new, valid_from=DAY, by=admin, at=AT)

    assert agent.team_at(datetime(2026, 5, 5, 15, 59, tzinfo=UTC)) == old  # 23:59 on the 5th in Shanghai
    assert agent.team_at(datetime(2026, 5, 5, 16, 0, tzinfo=UTC)) == new  # midnight


def test_changing_into_the_same_team_is_refused(admin):
    team = TeamFactory()
    agent = UserFactory(agent=team)

    with pytest.raises(belonging.HasThisRole):
        belonging.change_team(user=agent, team=team, valid_from=DAY, by=admin, at=AT)

    assert agent.memberships.get().valid_to is None


def test_a_team_change_on_the_first_day_replaces_the_membership(admin):
    old, new = TeamFactory(), TeamFactory()
    agent = UserFactory()
    MembershipFactory(user=agent, team=old, valid_from=DAY)

    belonging.change_team(user=agent, team=new, valid_from=DAY, by=admin, at=AT)

    assert [(row.team, row.valid_from, row.valid_to) for row in agent.memberships.all()] == [(new, DAY, None)]


def test_an_agent_is_in_one_team_at_a_time_by_service_and_by_the_database(admin):
    agent, other = UserFactory(agent=TeamFactory()), TeamFactory()

    with pytest.raises(belonging.InAnotherTeam):
        belonging.give_role(user=agent, role="agent", team=other, valid_from=DAY, by=admin, at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        MembershipFactory(user=agent, team=other, valid_from=DAY)


def test_an_agent_may_have_a_planned_team_after_the_present_one_ends(admin):
    agent = UserFactory()
    MembershipFactory(user=agent, team=TeamFactory(), valid_to=DAY)

    row = belonging.give_role(user=agent, role="agent", team=TeamFactory(), valid_from=DAY, by=admin, at=AT)

    assert row.pk


@pytest.mark.parametrize(
    ("role", "team", "city"),
    [("agent", False, False), ("agent", True, True), ("city_manager", False, False), ("administrator", False, True), ("data", True, True)],
)  # fmt: skip
def test_a_role_is_held_only_where_it_fits(admin, role, team, city):
    where = {"team": TeamFactory() if team else None, "city": CityFactory() if city else None}

    with pytest.raises(belonging.PlaceDoesNotFit):
        belonging.give_role(user=UserFactory(), role=role, **where, valid_from=DAY, by=admin, at=AT)


def test_the_last_administrator_cannot_lose_the_role(admin):
    with pytest.raises(belonging.LastAdministrator):
        belonging.end_role(membership=admin.memberships.get(), valid_to=DAY, by=admin, at=AT)

    UserFactory(role="administrator")
    belonging.end_role(membership=admin.memberships.get(), valid_to=DAY, by=admin, at=AT)

    assert admin.memberships.get().valid_to == DAY


def test_a_closed_account_loses_its_token_and_nobody_closes_the_own(admin):
    person = UserFactory()
    persons.make_token(user=person, by=admin, at=AT)

    persons.close_account(user=person, by=admin, at=AT)

    person.refresh_from_db()
    assert (person.is_active, Token.objects.filter(user=person).exists()) == (False, False)
    with pytest.raises(persons.NotOneself):
        persons.close_account(user=admin, by=admin, at=AT)


def test_a_fresh_token_makes_the_old_one_void_and_is_not_in_the_trail(admin):
    person = UserFactory()

    first = persons.make_token(user=person, by=admin, at=AT)
    second = persons.make_token(user=person, by=admin, at=AT)

    assert list(Token.objects.values_list("key", flat=True)) == [second]
    assert first != second
    assert second not in str(list(AuditEvent.objects.values()))


def test_switching_a_city_off_is_audited_once(admin):
    city = CityFactory()

    places.switch_city(city=city, is_on=False, by=admin, at=AT)
    places.switch_city(city=city, is_on=False, by=admin, at=AT)

    assert City.objects.get(pk=city.pk).is_on is False
    assert AuditEvent.objects.filter(action="people.city.switched", city_id=city.pk).count() == 1


def test_a_city_takes_a_known_time_zone_or_none(admin):
    with pytest.raises(places.NoSuchZone):
        places.create_city(code="gz", name="Guangzhou", zone="Asia/Canton City", by=admin, at=AT)

    assert places.create_city(code="gz", name="Guangzhou", by=admin, at=AT).zone is None
    assert (
        places.create_city(code="sz", name="Shenzhen", zone="Asia/Shanghai", by=admin, at=AT).zone.name
        == "Asia/Shanghai"
    )


def test_city_codes_and_team_codes_are_given_once(admin):
    CityFactory(code="gz")
    TeamFactory(code="T-1")

    with pytest.raises(places.CodeTaken):
        places.create_city(code="gz", name="Other", by=admin, at=AT)
    with pytest.raises(places.CodeTaken):
        places.create_team(code="T-1", name="Other", city=None, by=admin, at=AT)


def test_create_admin_makes_an_account_with_rights_everywhere(monkeypatch):
    monkeypatch.setenv("ADMIN_PASSWORD", GOOD)

    call_command("create_admin", "root")
    call_command("create_admin", "root")

    root = User.objects.get(username="root")
    assert root.check_password(GOOD)
    assert root.scope().is_region
    assert root.memberships.filter(role=Membership.Role.ADMINISTRATOR).count() == 1


def test_create_admin_says_in_a_sentence_what_is_wrong(monkeypatch):
    monkeypatch.setenv("ADMIN_PASSWORD", GOOD)
    with pytest.raises(CommandError, match="does not take this login"):
        call_command("create_admin", "x" * 200)

    monkeypatch.delenv("ADMIN_PASSWORD")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(CommandError, match="Set ADMIN_PASSWORD"):
        call_command("create_admin", "root")

    def hang_up(_prompt):
        raise EOFError

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", hang_up)
    with pytest.raises(CommandError, match="No password was given"):
        call_command("create_admin", "root")


def test_an_administrator_of_the_command_line_can_be_demoted_like_any_other(monkeypatch, admin):
    monkeypatch.setenv("ADMIN_PASSWORD", GOOD)
    call_command("create_admin", "root")
    root = User.objects.get(username="root")
    assert (root.is_superuser, root.is_staff) == (False, False)
    User.objects.filter(pk=root.pk).update(is_superuser=True, is_staff=True)  # as accounts of before had it

    tomorrow = timezone.localdate() + timedelta(days=1)
    belonging.end_role(membership=root.memberships.get(), valid_to=tomorrow, by=admin, at=AT)

    root = User.objects.get(pk=root.pk)
    assert (root.is_superuser, root.is_staff, root.scope().is_region) == (False, False, True)
    assert not root.scope(timezone.now() + timedelta(days=1)).is_region


def test_create_admin_takes_an_account_over_and_the_trail_says_so(monkeypatch):
    monkeypatch.setenv("ADMIN_PASSWORD", GOOD)
    person = UserFactory(username="chen", is_active=False)
    Token.objects.create(user=person)

    call_command("create_admin", "chen")

    person.refresh_from_db()
    assert (person.is_active, Token.objects.filter(user=person).exists()) == (True, False)
    event = AuditEvent.objects.get(action="people.user.password_reset", subject_id=str(person.pk))
    assert event.detail == {"own": False, "administrator": True, "was_closed": True}


def test_a_new_password_makes_the_token_void_and_the_trail_says_so(admin):
    person = UserFactory()
    persons.make_token(user=person, by=admin, at=AT)

    persons.reset_password(user=person, password=GOOD, by=admin, at=AT)
    persons.reset_password(user=person, password=GOOD, by=admin, at=AT)

    assert not Token.objects.filter(user=person).exists()
    assert AuditEvent.objects.filter(action="people.token.revoked", subject_id=str(person.pk)).count() == 1


def test_create_admin_says_that_a_password_is_too_weak(monkeypatch):
    monkeypatch.setenv("ADMIN_PASSWORD", "123")

    with pytest.raises(CommandError, match="too short"):
        call_command("create_admin", "root")
