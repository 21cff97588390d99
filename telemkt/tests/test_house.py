"""Settings that nobody may loosen by the way, the front door, and the files of others that lie in static/vendor/."""

import json
import re
import runpy

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.urls import reverse

from telemkt import celery_app


def test_nothing_of_the_policy_lets_scripts_in_by_text(client, db):
    policy = client.get(reverse("people:login"))["Content-Security-Policy"]
    directives = {part.split()[0]: part.split()[1:] for part in policy.split(";") if part.strip()}

    assert directives["default-src"] == ["'self'"]
    assert "script-src" not in directives
    assert not {"'unsafe-inline'", "'unsafe-eval'"} & set(directives["style-src"])
    assert directives["object-src"] == ["'none'"]
    assert directives["frame-ancestors"] == ["'none'"]


def test_the_api_is_closed_by_default():
    assert settings.REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"] == ["rest_framework.permissions.IsAuthenticated"]


def test_pages_ask_for_a_log_in_by_default():
    assert "django.contrib.auth.middleware.LoginRequiredMiddleware" in settings.MIDDLEWARE


def test_keys_do_not_lie_in_the_directory_of_the_database():
    from telemkt.stack import postgres

    assert not settings.KEYS_DIR.is_relative_to(postgres.data_directory())
    assert settings.KEYS_DIR.stat().st_mode & 0o077 == 0


def test_a_transaction_is_opened_by_services_not_by_requests():
    assert settings.DATABASES["default"]["ATOMIC_REQUESTS"] is False


def test_work_is_acknowledged_late_and_may_not_outlast_the_visibility_timeout():
    conf = celery_app.conf

    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.result_backend is None
    assert conf.task_time_limit < conf.broker_transport_options["visibility_timeout"]


def test_every_scheduled_task_exists():
    celery_app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in celery_app.conf.beat_schedule.values()}

    assert scheduled <= set(celery_app.tasks)


def test_django_finds_nothing_wrong():
    call_command("check", fail_level="WARNING")


@pytest.mark.django_db
def test_a_load_balancer_hears_that_all_is_well(client, django_assert_num_queries):
    with django_assert_num_queries(1):
        response = client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_a_load_balancer_hears_when_the_database_is_gone(client, monkeypatch):
    from django.db import OperationalError

    from telemkt import views

    class Gone:
        def cursor(self):
            raise OperationalError("password of host x")

    monkeypatch.setattr(views, "connection", Gone())

    response = client.get("/healthz")

    assert (response.status_code, response.json()) == (503, {"status": "down"})


# -- Vendored files ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vendor() -> dict:
    return runpy.run_path(str(settings.BASE_DIR / "tools" / "vendor.py"))


def test_vendored_files_are_what_was_vendored(vendor):
    assert vendor["differences"]() == []


def test_a_changed_or_added_file_is_noticed(vendor, tmp_path, monkeypatch):
    known = vendor["hashes"]()
    changed = {**known, "htmx.org/htmx.min.js": "0" * 64, "stranger.js": "1" * 64}
    monkeypatch.setitem(vendor["differences"].__globals__, "hashes", lambda: changed)

    assert vendor["differences"]() == ["htmx.org/htmx.min.js", "stranger.js"]


def test_every_vendored_package_brings_its_licence(vendor):
    packages = json.loads((settings.BASE_DIR / "tools" / "vendor.json").read_text())

    assert all("LICENSE" in package["files"] for package in packages.values())


def test_no_vendored_file_asks_for_a_map():
    files = [path for path in (settings.BASE_DIR / "static" / "vendor").rglob("*") if path.is_file()]

    assert [path.name for path in files if b"sourceMappingURL=" in path.read_bytes()] == []


# -- Static files ------------------------------------------------------------------------------------------------------


def test_every_static_file_that_a_template_names_exists():
    named = re.compile(r"""{% static ['"]([^'"]+)['"] %}""")
    templates = list((settings.BASE_DIR / "templates").rglob("*.html"))
    missing = {
        f"{template.name}: {name}"
        for template in templates
        for name in named.findall(template.read_text(encoding="utf-8"))
        if finders.find(name) is None
    }

    assert len(templates) > 20
    assert missing == set()


def test_static_files_can_be_collected_with_their_hashes(tmp_path, settings):
    backend = "whitenoise.storage.CompressedManifestStaticFilesStorage"
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}

    call_command("collectstatic", interactive=False, verbosity=0)

    paths = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    assert paths["vendor/htmx.org/htmx.min.js"] != "vendor/htmx.org/htmx.min.js"


# -- Migrations --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_waits_for_a_lock_is_known_by_its_error():
    from django.db import OperationalError, connection, transaction

    from telemkt.stack import migrations

    def read_with_little_patience():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '50ms'")
            cursor.execute("SELECT count(*) FROM django_session")

    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE django_session")
        with pytest.raises(OperationalError) as error:
            read_with_little_patience()
    finally:
        other.close()

    assert migrations.is_lock_timeout(error.value)
    assert not migrations.is_lock_timeout(OperationalError("else"))


# -- Lock files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_locked_with_hashes_and_no_host_is_named(name):
    text = (settings.BASE_DIR / name).read_text()
    packages = [line for line in text.splitlines() if "==" in line]

    assert len(packages) > 40
    assert all(line.endswith("\\") for line in packages)
    assert "://" not in text
