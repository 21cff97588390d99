import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from rest_framework.authtoken.models import Token

from core.models import AuditEvent
from people.models import City, Membership, Region, User
from people.tests.factories import CityFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
GOOD = "correct horse 42"


@pytest.fixture
def admin(client):
    user = UserFactory(role="administrator")
    client.force_login(user)
    return user


def test_signing_in_leads_to_where_the_day_begins_and_is_audited(client):
    user = UserFactory(username="chen", role="administrator")
    user.set_password(GOOD)
    user.save()

    answer = client.post(reverse("people:login"), {"username": "chen", "password": GOOD})

    assert answer.status_code == 302
    assert AuditEvent.objects.filter(action="people.session.opened", actor_id=user.pk).exists()


def test_five_wrong_passwords_lock_the_name_with_a_sentence(client):
    user = UserFactory(username="chen")
    user.set_password(GOOD)
    user.save()

    for _ in range(5):
        answer = client.post(reverse("people:login"), {"username": "chen", "password": "wrong"})
    right = client.post(reverse("people:login"), {"username": "chen", "password": GOOD})

    assert answer.status_code == 429
    assert "Too many attempts" in answer.content.decode()
    assert right.status_code == 429


def test_an_administrator_unlocks_a_name_by_setting_the_password(client, admin):
    user = UserFactory(username="chen")
    client.logout()
    for _ in range(5):
        client.post(reverse("people:login"), {"username": "chen", "password": "wrong"})
    client.force_login(admin)

    client.post(reverse("people:user-password", args=[user.pk]), {"password-password": GOOD})
    client.logout()

    assert client.post(reverse("people:login"), {"username": "chen", "password": GOOD}).status_code == 302


def test_pages_speak_the_language_of_the_person(client):
    client.force_login(UserFactory(role="administrator", language="zh-hans"))

    assert '<html lang="zh-Hans"' in client.get(reverse("people:account")).content.decode()


def test_a_person_chooses_language_and_theme(client):
    user = UserFactory()
    client.force_login(user)

    answer = client.post(reverse("people:account-language"), {"language": "zh-hans", "next": "/account/"})
    client.post(reverse("people:account-theme"), {"theme": "dark"})

    user.refresh_from_db()
    assert (answer.url, user.language, user.theme) == ("/account/", "zh-hans", "dark")
    assert answer.cookies[settings.LANGUAGE_COOKIE_NAME].value == "zh-hans"


def test_the_language_switch_of_the_sign_in_page_leads_nowhere_else(client):
    answer = client.post(reverse("people:account-language"), {"language": "zh-hans", "next": "https://evil.example/"})

    assert answer.url == "/"


def test_changing_the_own_password_needs_the_old_one_and_keeps_the_session(client):
    user = UserFactory(role="administrator")
    user.set_password(GOOD)
    user.save()
    client.force_login(user)
    new = {"new_password1": "another horse 43", "new_password2": "another horse 43"}

    wrong = client.post(reverse("people:account-password"), {"old_password": "no", **new})
    right = client.post(reverse("people:account-password"), {"old_password": GOOD, **new})

    assert (wrong.status_code, right.status_code) == (422, 302)
    assert client.get(reverse("people:account")).status_code == 200
    assert User.objects.get(pk=user.pk).check_password("another horse 43")


def test_an_administrator_makes_a_person_with_a_role(client, admin):
    team = TeamFactory()
    form = {
        "username": "chen", "display_name": "陈美玲", "password": GOOD, "code": "A7", "language": "zh-hans",
        "role": "agent", "team": team.pk, "city": "", "valid_from": "2026-01-05",
    }  # fmt: skip

    answer = client.post(reverse("people:user-new"), form)

    person = User.objects.get(username="chen")
    assert answer.url == reverse("people:user", args=[person.pk])
    assert (person.memberships.get().team, person.language) == (team, "zh-hans")


def test_a_new_person_is_offered_the_language_of_the_administrator(client, admin):
    admin.language = "zh-hans"
    admin.save()

    assert client.get(reverse("people:user-new")).context["form"]["language"].initial == "zh-hans"


def test_a_role_in_the_wrong_place_comes_back_with_the_sentence_and_makes_nobody(client, admin):
    form = {
        "username": "chen",
        "display_name": "Chen",
        "password": GOOD,
        "language": "en",
        "role": "agent",
        "valid_from": "2026-01-05",
    }

    answer = client.post(reverse("people:user-new"), form)

    assert answer.status_code == 422
    assert "belongs to a team" in answer.content.decode()
    assert not User.objects.filter(username="chen").exists()


def test_the_administrator_moves_an_agent_and_ends_a_role(client, admin):
    old, new = TeamFactory(), TeamFactory()
    agent = UserFactory(agent=old)

    client.post(reverse("people:user-move", args=[agent.pk]), {"move-team": new.pk, "move-valid_from": "2026-03-02"})
    row = agent.memberships.get(team=new)
    client.post(reverse("people:role-end", args=[agent.pk, row.pk]), {"valid_to": "2026-04-01"})

    assert agent.memberships.get(team=old).valid_to.isoformat() == "2026-03-02"
    assert agent.memberships.get(team=new).valid_to.isoformat() == "2026-04-01"


def test_a_token_is_shown_once(client, admin):
    person = UserFactory()

    answer = client.post(reverse("people:user-token", args=[person.pk]))

    token = Token.objects.get(user=person).key
    assert token in answer.content.decode()
    assert token not in client.get(reverse("people:user", args=[person.pk])).content.decode()


def test_switching_a_city_off_by_its_page(client, admin):
    city = CityFactory()

    client.post(reverse("people:city-switch", args=[city.pk]), {"is_on": "0"})

    assert City.objects.get(pk=city.pk).is_on is False


def test_entering_a_city_and_a_team(client, admin):
    client.post(
        reverse("people:city-new"), {"code": "gz", "name": "Guangzhou", "name_zh": "广州", "zone": "Asia/Shanghai"}
    )
    city = City.objects.get(code="gz")
    client.post(reverse("people:team-new"), {"code": "GZ-1", "name": "Guangzhou 1", "city": city.pk})

    assert city.zone.name == "Asia/Shanghai"
    assert city.teams.get().code == "GZ-1"


MANAGED = ["people:user-new", "people:city-new", "people:team-new", "people:region"]


@pytest.mark.parametrize("name", MANAGED)
def test_only_administrators_manage_people_and_places(client, name):
    client.force_login(UserFactory(role="regional_manager"))

    assert client.get(reverse(name)).status_code == 403
    assert client.post(reverse(name)).status_code == 403


@pytest.mark.parametrize("name", ["people:users", "people:teams", "people:cities", "people:roles"])
def test_agents_do_not_read_the_lists_of_people(client, name):
    client.force_login(UserFactory(agent=TeamFactory()))

    assert client.get(reverse(name)).status_code == 403
    assert AuditEvent.objects.filter(refused=True).exists()


def test_a_city_manager_finds_nobody_of_another_city(client):
    own, other = TeamFactory(), TeamFactory()
    mine, theirs = UserFactory(agent=own), UserFactory(agent=other)
    client.force_login(UserFactory(role="city_manager", city=own.city))

    page = client.get(reverse("people:users")).content.decode()

    assert mine.username in page
    assert theirs.username not in page
    assert client.get(reverse("people:user", args=[theirs.pk])).status_code == 404


def test_people_are_found_by_role_and_team(client, admin):
    team = TeamFactory()
    agent, other = UserFactory(agent=team), UserFactory(agent=TeamFactory())

    page = client.get(reverse("people:users"), {"role": "agent", "team": team.pk}).content.decode()

    assert agent.username in page
    assert other.username not in page


@pytest.mark.parametrize("people", [1, 3])
def test_the_list_of_people_asks_the_same_queries_however_many_there_are(
    client, admin, people, django_assert_max_num_queries
):
    for _ in range(people):
        UserFactory(agent=TeamFactory())
    client.get(reverse("people:users"))

    with django_assert_max_num_queries(10):
        client.get(reverse("people:users"))


def test_the_api_tells_who_is_asking_and_the_cities_they_cover(client):
    own, other = CityFactory(), CityFactory()
    client.force_login(UserFactory(role="city_manager", city=own))

    me = client.get("/api/v1/me/").json()
    cities = client.get("/api/v1/cities/").json()["results"]

    assert (me["roles"], me["is_region"]) == (["city_manager"], False)
    assert [city["code"] for city in cities] == [own.code]
    assert other.code not in str(cities)


def test_the_roles_page_counts_who_holds_each_today(client, admin):
    UserFactory(agent=TeamFactory())

    assert Membership.objects.valid_on(timezone.localdate()).count() == 2
    assert client.get(reverse("people:roles")).status_code == 200


def test_the_region_bears_its_name_in_the_readers_language(client, admin):
    client.post(
        reverse("people:region"), {"name": "Guangdong", "name_zh": " 广东 ", "currency": "CNY", "country": "CN"}
    )

    region = Region.objects.get()
    with translation.override("zh-hans"):
        assert str(region) == "广东"
    with translation.override("en"):
        assert str(region) == "Guangdong"
