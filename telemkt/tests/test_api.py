"""The interface for other systems as a whole: its description, its doors, its refusals."""

import os
from collections.abc import Iterator

import pytest
import schemathesis
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings as hypothesis_settings

from core.api_errors import exception_handler
from core.errors import DomainError, PermissionRefused
from people.tests.factories import UserFactory
from telemkt.tests.test_guards import URLS

ENDPOINTS = sorted(path for name, path in URLS if name.startswith("api:"))


def test_the_description_is_complete():
    call_command("spectacular", validate=True, fail_on_warn=True, file=os.devnull)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_wrong_token_opens_nothing(path):
    client = Client(headers={"Authorization": "Token 0123456789abcdef0123456789abcdef01234567"})

    statuses = {client.get(path).status_code, client.post(path, content_type="application/json").status_code}

    assert statuses <= {302, 401, 403, 405}, statuses
    assert statuses & {302, 401, 403}


def refusals(kind: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    for below in kind.__subclasses__():
        yield below
        yield from refusals(below)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", sorted(set(refusals()), key=lambda kind: (kind.__module__, kind.__name__)), ids=str)
def test_every_refusal_is_an_answer_with_its_sentence(kind):
    refusal = kind.__new__(kind)
    Exception.__init__(refusal, "The list is committed already.")

    answer = exception_handler(refusal, {})

    assert answer.status_code == (403 if issubclass(kind, PermissionRefused) else 409)
    assert answer.data["code"] == kind.__name__
    assert answer.data["detail"]
    assert not kind.__name__.endswith("Error")


@pytest.mark.django_db
def test_whatever_is_asked_for_is_answered():
    """Reads with what the description allows as parameters: never a fault of the server."""
    client = Client(raise_request_exception=False)
    client.force_login(UserFactory(role="regional_manager"))
    schema = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(public=True))
    operations = [found.ok() for found in schema.include(method="GET").get_all_operations()]

    faults = [fault for operation in operations for fault in _faults(operation, client)]

    assert faults == []
    assert len(operations) > 8


def _faults(operation, client: Client) -> list[str]:
    found: list[str] = []

    @given(case=operation.as_strategy())
    @hypothesis_settings(
        max_examples=4, database=None, deadline=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def ask(case):
        answer = client.get(case.formatted_path, case.query or {})
        if answer.status_code >= 500:
            found.append(f"{answer.status_code}: {case.formatted_path} {case.query}")

    ask()
    return found
