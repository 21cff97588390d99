"""The evidence of a consent as a file: known by its content, private, and shown to those who may enter consents."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from core.clock import database_now
from core.models import AuditEvent, PrivateFile
from customers.models import Consent, ConsentFile
from customers.services import consent_files, persons
from customers.services.consent_files import EvidenceRefused
from customers.tests.factories import ConsentFactory, CustomerFactory
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7\nI agree to be called."


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def data(city):
    return UserFactory(role="data", city=city)


def enter(customer, by, content: bytes) -> Consent:
    at = database_now()
    return persons.add_consent(
        customer=customer, basis="written", stated_by="Chen", given_at=at, by=by, at=at, file=io.BytesIO(content)
    )


@pytest.mark.parametrize(
    ("content", "content_type", "ending"),
    [
        (PDF, "application/pdf", "pdf"),
        (b"\x89PNG\r\n\x1a\n....", "image/png", "png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg", "jpg"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ....", "audio/wav", "wav"),
        (b"ID3\x03....", "audio/mpeg", "mp3"),
        (b"\x00\x00\x00\x20ftypM4A ....", "audio/mp4", "m4a"),
        (b"OggS....", "audio/ogg", "ogg"),
    ],
)
def test_evidence_is_known_by_its_content(content, content_type, ending, data, city):
    consent = enter(CustomerFactory(city=city, consent=False), data, content)

    stored = PrivateFile.objects.get(pk=consent.file.file_id)
    assert (stored.content_type, stored.name, stored.size) == (
        content_type,
        f"consent-{consent.pk}.{ending}",
        len(content),
    )
    assert stored.city_id == city.pk


@pytest.mark.parametrize("content", [b"", b"<html><script>", b"PK\x03\x04", b"GIF89a", b"MZ....", b"text %PDF-1.7"])
def test_other_files_are_refused_and_nothing_is_entered(content, data, city):
    customer = CustomerFactory(city=city, consent=False)

    with pytest.raises(EvidenceRefused):
        enter(customer, data, content)

    assert not customer.consents.exists()
    assert not PrivateFile.objects.exists()


def test_a_file_beyond_the_limit_is_refused(data, city, monkeypatch):
    monkeypatch.setattr(consent_files, "MOST", len(PDF) - 1)

    with pytest.raises(EvidenceRefused, match="larger than"):
        enter(CustomerFactory(city=city, consent=False), data, PDF)


def test_evidence_is_entered_on_the_page_and_taken_from_it(client, data, city):
    customer = CustomerFactory(city=city, consent=False)
    client.force_login(data)
    form = {"basis": "written", "stated_by": "Chen", "given_on": "2026-01-05", "evidence": "She said: yes."}

    client.post(
        reverse("customers:consent-add", args=[customer.pk]),
        form | {"file": SimpleUploadedFile("张国 19100007541.pdf", PDF)},
    )

    evidence = ConsentFile.objects.get()
    page = client.get(reverse("customers:customer", args=[customer.pk])).content.decode()
    at = reverse("core:file", args=[evidence.file_id])
    assert ("She said: yes." in page, at in page) == (True, True)
    answer = client.get(at)
    assert b"".join(answer) == PDF
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "19100007541" not in PrivateFile.objects.get().name
    assert AuditEvent.objects.get(action="customers.consent.added").detail["with_file"] is True


def test_evidence_of_the_wrong_kind_comes_back_with_its_sentence(client, data, city):
    customer = CustomerFactory(city=city, consent=False)
    client.force_login(data)
    form = {
        "basis": "written",
        "stated_by": "Chen",
        "given_on": "2026-01-05",
        "file": SimpleUploadedFile("a.pdf", b"<html>"),
    }

    answer = client.post(reverse("customers:consent-add", args=[customer.pk]), form)

    assert "Evidence is a PDF, a picture" in answer.content.decode()
    assert not customer.consents.exists()


@pytest.mark.parametrize("role", ["qa", "city_manager", "trainer"])
def test_who_may_not_enter_consents_gets_no_evidence(role, client, data, city):
    consent = enter(CustomerFactory(city=city, consent=False), data, PDF)
    at = reverse("core:file", args=[consent.file.file_id])
    client.force_login(UserFactory(role=role, city=city))

    assert client.get(at).status_code in (403, 404)
    page = client.get(reverse("customers:customer", args=[consent.customer_id]))
    assert at not in page.content.decode()  # nor does the page lead there


def test_another_city_gets_no_evidence(client, data, city):
    consent = enter(CustomerFactory(city=city, consent=False), data, PDF)
    client.force_login(UserFactory(role="data", city=CityFactory()))

    assert client.get(reverse("core:file", args=[consent.file.file_id])).status_code in (403, 404)


def test_an_expired_consent_is_shown_as_such_and_is_not_in_force(client, data, city):
    customer = CustomerFactory(city=city, consent=False)
    at = database_now()
    ConsentFactory(customer=customer, given_at=at - timedelta(days=9), expires_at=at - timedelta(days=1))
    client.force_login(data)

    page = client.get(reverse("customers:customer", args=[customer.pk])).content.decode()

    assert ("expired" in page, customer.consents.in_force(at).exists()) == (True, False)
