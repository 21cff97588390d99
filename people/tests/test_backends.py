"""Who is signed in is kept in memory between requests, and never longer than it holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from people.backends import PersonBackend
from people.models import Membership, User
from people.tests.factories import TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
PEOPLE = "/people/users/"


@pytest.fixture
def admin(client):
    user = UserFactory()
    Membership.objects.create(user=user, role="administrator", valid_from=timezone.localdate())
    client.force_login(user)
    assert client.get(PEOPLE).status_code == 200
    return user


def test_who_is_locked_out_is_so_with_the_next_request(client, admin):
    User.objects.filter(pk=admin.pk).update(is_active=False)

    answer = client.get(PEOPLE)

    assert (answer.status_code, answer["Location"].startswith(reverse("people:login"))) == (302, True)


def test_a_role_that_was_taken_is_gone_with_the_next_request(client, admin):
    Membership.objects.filter(user=admin).update(valid_from=timezone.localdate() + timedelta(days=1))

    assert client.get(PEOPLE).status_code == 403


def test_a_new_team_is_known_with_the_next_request():
    user, team = UserFactory(), TeamFactory(name="North")
    member = Membership.objects.create(user=user, role="agent", team=team, valid_from=timezone.localdate())
    assert PersonBackend().get_user(user.pk).team_at(timezone.now()) == team

    other = TeamFactory(name="South")
    Membership.objects.filter(pk=member.pk).update(team=other)
    assert PersonBackend().get_user(user.pk).team_at(timezone.now()) == other
    type(other).objects.filter(pk=other.pk).update(name="Far South")
    assert PersonBackend().get_user(user.pk).team_at(timezone.now()).name == "Far South"


def test_what_one_request_asks_or_sets_is_not_what_another_finds():
    user = UserFactory(display_name="Li")
    one, other = (PersonBackend().get_user(user.pk) for _time in range(2))

    one.display_name = "Wang"
    one.scope()

    assert other.display_name == "Li"
    assert "_scopes" not in other.__dict__


def test_the_number_of_nobody_is_nobody():
    assert PersonBackend().get_user(2**40) is None
