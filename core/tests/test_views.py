from datetime import timedelta

import pytest
from django.utils import timezone

from core.audit import audit
from core.jobs import claims, enqueue
from core.models import AuditEvent, Holiday, Job
from core.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

KIND = "core.seal_audit"


@pytest.fixture
def boss(client):
    user = UserFactory(administrator=True)
    client.force_login(user)
    return user


def running(**more):
    job = enqueue(kind=KIND, key="1", **more)
    return claims.claim(job.pk)


@pytest.mark.parametrize(
    "url", ["/jobs/", "/jobs/badge/", "/jobs/1/", "/jobs/1/progress/", "/audit/", "/calendar/", "/files/1/"]
)
def test_a_stranger_is_sent_to_the_sign_in(client, url):
    response = client.get(url)

    assert response.status_code == 302
    assert response.url.startswith("/login/")


def test_a_job_of_somebody_else_does_not_exist(client):
    client.force_login(UserFactory())
    job = enqueue(kind=KIND, key="1", by=UserFactory())

    assert client.get("/jobs/").context["listing"].total == 0
    for url in (f"/jobs/{job.pk}/", f"/jobs/{job.pk}/progress/"):
        assert client.get(url).status_code == 404
    for url in (f"/jobs/{job.pk}/cancel/", f"/jobs/{job.pk}/again/"):
        assert client.post(url).status_code == 404


def test_a_jobs_page_says_what_it_does_and_asks_each_second_while_it_does(client, boss):
    job = running()
    Job.objects.filter(pk=job.pk).update(done=28160, total=45211)

    page = client.get(f"/jobs/{job.pk}/").content.decode()

    assert "Seal the audit trail: 28,160 of 45,211" in page
    assert f'hx-get="/jobs/{job.pk}/progress/?then=reload"' in page
    assert 'max="45211" value="28160"' in page
    assert ">Stop<" in page


def test_a_job_says_in_words_what_it_was_asked_and_keeps_the_raw_names_behind_a_disclosure(client, boss):
    job = enqueue(kind=KIND, key="5:check", args={"call_import": 5, "all": True})
    claims.finish(claims.claim(job.pk), {"rows": 1200, "counts": {"new": 1100, "invalid": 100}, "faults": {}})

    def rows():
        page = client.get(f"/jobs/{job.pk}/").content.decode()
        shown, _details, raw = page.partition("<details>")
        return shown + raw.partition("</details>")[2], raw

    shown, raw = rows()
    for name, value in (("Call import", "5"), ("Everything anew", "yes"), ("Rows", "1,200"), ("New", "1,100")):
        assert f'<th scope="row">{name}</th><td>{value}</td>' in shown
    assert not any(name in shown for name in ("call_import", "faults", "5:check"))
    assert all(f"<code>{fact}</code>" in raw for fact in ("key: 5:check", "call_import: 5", "faults: {}"))

    boss.language = "zh-hans"
    boss.save()
    assert '<th scope="row">全部重新计算</th><td>是</td>' in rows()[0]


def test_the_list_shows_what_people_asked_for_and_what_failed_and_the_clocks_work_when_asked(client, boss):
    own, clock = enqueue(kind=KIND, key="1", by=boss), enqueue(kind=KIND, key="2")
    failed, dead = enqueue(kind=KIND, key="3"), enqueue(kind=KIND, key="4")
    Job.objects.filter(pk=failed.pk).update(state="failed")
    Job.objects.filter(pk=dead.pk).update(state="dead")

    def shown(**asked):
        return {job.pk for job in client.get("/jobs/", asked).context["listing"].page}

    assert shown() == shown(origin="people") == {own.pk, failed.pk, dead.pk}
    assert shown(origin="clock") == {clock.pk, failed.pk, dead.pk}
    assert shown(origin="all") == {own.pk, clock.pk, failed.pk, dead.pk}
    assert shown(state="dead") == {dead.pk}


def test_time_left_is_told_from_the_pace(client, boss):
    job = running()
    Job.objects.filter(pk=job.pk).update(done=90, total=120, started_at=timezone.now() - timedelta(seconds=90))

    assert "about 30 s left" in client.get(f"/jobs/{job.pk}/progress/").content.decode()


def test_the_fragment_ends_asking_when_the_job_has_ended(client, boss):
    job = running()
    claims.finish(job, {"sealed": 3})

    fragment = client.get(f"/jobs/{job.pk}/progress/")

    assert "Seal the audit trail: done" in fragment.content.decode()
    assert "hx-get" not in fragment.content.decode()
    assert client.get(f"/jobs/{job.pk}/progress/?then=reload").headers["HX-Refresh"] == "true"


def test_a_person_stops_an_own_job(client):
    user = UserFactory()
    client.force_login(user)
    job = enqueue(kind=KIND, key="1", by=user)

    response = client.post(f"/jobs/{job.pk}/cancel/", follow=True)

    job.refresh_from_db()
    assert job.state == "cancelled"
    assert b"The work stops." in response.content
    again = client.post(f"/jobs/{job.pk}/cancel/", follow=True)
    assert b"This job is over already." in again.content


def test_a_dead_job_is_shown_with_its_reason_and_run_again(client, boss):
    job = running()
    claims.die(job, reason="The disk is full.")

    assert "1 job gave up" in client.get("/jobs/").content.decode()
    page = client.get(f"/jobs/{job.pk}/").content.decode()
    assert "stopped. The disk is full." in page
    assert ">Go on<" in page

    client.post(f"/jobs/{job.pk}/again/")
    job.refresh_from_db()
    assert job.state == "queued"
    assert AuditEvent.objects.get(action="core.job.run_again").actor_id == boss.pk


def test_verbs_are_not_done_by_looking(client, boss):
    job = enqueue(kind=KIND, key="1")

    assert client.get(f"/jobs/{job.pk}/cancel/").status_code == 405
    assert client.get("/calendar/fill/").status_code == 405


def test_only_administrators_read_the_trail_and_a_try_is_recorded(client):
    client.force_login(user := UserFactory())

    response = client.get("/audit/")

    assert response.status_code == 403
    assert b"Your role does not allow this." in response.content
    event = AuditEvent.objects.get()
    assert (event.action, event.refused, event.actor_id, event.detail["view"]) == (
        "core.request.refused",
        True,
        user.pk,
        "core:audit",
    )


def test_every_403_is_recorded_whatever_rule_gave_it(rf):
    from django.http import HttpResponseForbidden

    from core.middleware import RefusalMiddleware

    request = rf.post("/somewhere/")
    request.user = UserFactory()
    RefusalMiddleware(lambda request: HttpResponseForbidden())(request)
    RefusalMiddleware(lambda request: HttpResponseForbidden())(request)

    event = AuditEvent.objects.get()
    assert (event.refused, event.actor_id, event.detail["method"]) == (True, request.user.pk, "POST")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("actor=%E9%99%88", 1),
        ("action=people", 2),
        ("subject=people.user", 2),
        ("refused=1", 1),
        ("since=2026-11-22", 2),
        ("until=2026-11-21", 1),
        ("since=2026-11-22&until=2026-11-22&action=core", 1),
    ],
)
def test_the_trail_is_filtered_by_who_what_and_when(client, boss, query, count):
    chen = UserFactory(display_name="陈美玲")
    day = timezone.datetime(2026, 11, 21, 15, 59, tzinfo=timezone.get_fixed_timezone(0))
    audit("people.user.changed", chen, by=chen, at=day)
    audit("people.user.changed", boss, by=boss, at=day + timedelta(minutes=1), refused=True)
    audit("core.test.done", by=None, at=day + timedelta(hours=1))

    response = client.get(f"/audit/?{query}")

    assert response.context["listing"].total == count


def test_the_trail_says_in_words_what_was_done_to_whom_and_keeps_the_codes(client, boss):
    chen = UserFactory(display_name="陈美玲")
    audit("people.user.password_reset", chen, by=boss, at=timezone.now(), own=False)

    page = client.get("/audit/").content.decode()
    row = page[page.index("<tbody>") :]
    assert "Set a password" in row
    assert ">陈美玲</a>" in row
    assert "<code>people.user.password_reset</code>" in row
    assert "Set a password" not in client.get("/audit/?export=csv").getvalue().decode()


def test_the_trail_is_searched_by_the_words_for_a_kind(client, boss):
    audit("people.user.changed", boss, by=boss, at=timezone.now())

    found = client.get(f"/audit/?subject=User+{boss.pk}").context["listing"].total
    assert (found, client.get("/audit/?subject=lead").context["listing"].total) == (1, 0)


def test_the_trail_of_one_thing_is_found_by_kind_and_number(client, boss):
    audit("people.user.changed", boss, by=boss, at=timezone.now())
    audit("people.user.changed", UserFactory(), by=boss, at=timezone.now())

    assert client.get(f"/audit/?subject=people.user+{boss.pk}").context["listing"].total == 1


def test_an_administrator_enters_a_day_and_takes_it_out(client, boss):
    page = client.get("/calendar/?year=2026").content.decode()
    assert "Nothing is written for this year." in page
    assert client.get("/calendar/?year=\u00b2\u00b2\u00b2\u00b2").status_code == 200

    response = client.post("/calendar/", {"day": "2026-11-23", "is_workday": "0", "name": " 校庆 "}, follow=True)
    row = Holiday.objects.get()
    assert (row.day.isoformat(), row.is_workday, row.name, row.source) == ("2026-11-23", False, "校庆", "hand")
    assert "23 Nov 2026" in response.content.decode()

    client.post("/calendar/", {"day": "2026-11-23", "is_workday": "1", "name": ""})
    assert Holiday.objects.get().is_workday is True

    client.post(f"/calendar/{row.pk}/clear/")
    assert not Holiday.objects.exists()


def test_a_day_that_is_no_date_is_told_under_its_field(client, boss):
    response = client.post("/calendar/", {"day": "2026-13-01", "is_workday": "0"})

    assert response.status_code == 422
    assert b"Enter a valid date" in response.content


def test_the_public_calendar_is_taken_over(client, boss):
    response = client.post("/calendar/fill/?year=2026", follow=True)

    assert "days of 2026 were taken from the public calendar" in response.content.decode()
    assert Holiday.objects.filter(is_workday=True).exists()


def test_others_may_not_change_the_calendar(client):
    client.force_login(UserFactory())

    assert client.get("/calendar/").status_code == 403
    assert client.post("/calendar/", {"day": "2026-11-23", "is_workday": "0"}).status_code == 403
    assert client.post("/calendar/fill/?year=2026").status_code == 403
    assert not Holiday.objects.exists()


def test_pages_speak_chinese_dates(client, boss):
    job = running()
    Job.objects.filter(pk=job.pk).update(created_at="2026-11-21T16:30:00Z")
    boss.language = "zh-hans"
    boss.save()

    page = client.get(f"/jobs/{job.pk}/", headers={"accept-language": "zh-hans"}).content.decode()

    assert "2026-11-22 00:30:00" in page


class TestApi:
    def test_jobs_are_listed_and_stopped_with_the_same_rules(self, client):
        user = UserFactory()
        client.force_login(user)
        own = enqueue(kind=KIND, key="1", by=user)
        other = enqueue(kind=KIND, key="2")

        found = client.get("/api/v1/jobs/").json()
        assert [row["id"] for row in found["results"]] == [own.pk]
        assert client.get(f"/api/v1/jobs/{other.pk}/").status_code == 404
        assert client.post(f"/api/v1/jobs/{other.pk}/cancel/").status_code == 404
        assert client.post(f"/api/v1/jobs/{own.pk}/cancel/").json()["state"] == "cancelled"

    def test_a_rule_that_says_no_is_409_with_a_sentence(self, client):
        user = UserFactory()
        client.force_login(user)
        job = enqueue(kind=KIND, key="1", by=user)
        client.post(f"/api/v1/jobs/{job.pk}/cancel/")

        response = client.post(f"/api/v1/jobs/{job.pk}/cancel/")

        assert response.status_code == 409
        assert response.json() == {"detail": "This job is over already.", "code": "JobIsOver"}

    def test_a_stranger_is_turned_away(self, client):
        assert client.get("/api/v1/jobs/").status_code in (401, 403)
