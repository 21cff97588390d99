"""A statement that takes too long is given up, in web processes only, and the answer says so."""

import os
import subprocess
import sys

import pytest
from django.db import connection, transaction
from django.urls import reverse
from rest_framework.test import APIClient

from people.tests.factories import UserFactory

ASK = "from django.conf import settings; print(settings.DATABASES['default']['OPTIONS'].get('options', 'none'))"


def options_of(start: str, **environment: str) -> str:
    """What a fresh process that begins like this tells the database."""
    clean = {name: value for name, value in os.environ.items() if name != "DATABASE_STATEMENT_SECONDS"}
    clean |= {
        "DJANGO_SETTINGS_MODULE": "telemkt.settings",
        "DATABASE_URL": "postgres://a:b@127.0.0.1:1/c",
        **environment,
    }
    done = subprocess.run([sys.executable, "-c", start + ASK], env=clean, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_only_web_processes_limit_a_statement():
    assert options_of("import telemkt.wsgi; ") == "-c statement_timeout=20s"
    assert options_of("import telemkt.wsgi; ", DATABASE_STATEMENT_SECONDS="7") == "-c statement_timeout=7s"
    assert options_of("import telemkt.celery; ") == "none"


@pytest.fixture
def slow(monkeypatch):
    """Reading customers, lists and jobs takes longer than the limit."""

    def sleep(*_args, **_options):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 20")
            cursor.execute("SELECT pg_sleep(5)")

    monkeypatch.setattr("customers.views.persons.customers_by_name", sleep)
    monkeypatch.setattr("customers.list_queries.lists_of", sleep)


@pytest.mark.django_db
def test_a_page_that_takes_too_long_says_so(client, slow):
    client.force_login(UserFactory(role="data"))

    answer = client.get(reverse("customers:customers"))

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "This takes too long" in answer.content.decode()


@pytest.mark.django_db
def test_the_api_says_it_as_well(slow):
    api = APIClient()
    api.force_login(UserFactory(role="data"))

    answer = api.get("/api/v1/lists/")

    assert (answer.status_code, answer.json()["code"]) == (503, "TooSlow")
