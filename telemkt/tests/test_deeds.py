"""The audit trail in words: nothing is left to codes, and nobody's personal data is shown by the way."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from core.audit import audit
from core.deeds import deed
from customers.tests.factories import CustomerFactory
from people.tests.factories import UserFactory

# A literal that begins like an action: "app.noun.past".
ACTION = re.compile(rf"""["']((?:{"|".join(settings.LOCAL_APPS)}|telemkt)\.[a-z_]+\.[a-z_]+)["']""")


def code_that_audits() -> list[Path]:
    found = [path for app in [*settings.LOCAL_APPS, "telemkt"] for path in (settings.BASE_DIR / app).rglob("*.py")]
    return [path for path in found if "tests" not in path.parts and re.search(r"\baudit\(", path.read_text())]


def test_every_action_of_the_trail_has_its_words():
    calls = re.compile(r"\baudit\(\s*(?:ACTION\b|f?[\"'][^\"']+[\"'](?: if \w+ else [\"'][^\"']+[\"'])?)")
    actions = {
        action
        for path in code_that_audits()
        for call in calls.findall(path.read_text())
        for action in ACTION.findall(call)
    }

    assert len(actions) > 60
    assert sorted(action for action in actions if deed(action) == action) == []


@pytest.mark.django_db
def test_a_customer_stands_in_the_trail_by_number_alone(client):
    boss = UserFactory(role="administrator")
    client.force_login(boss)
    customer = CustomerFactory(name="不写出来")
    audit("customers.tag.added", customer, by=boss, at=timezone.now())

    page = client.get(reverse("core:audit")).content.decode()

    assert f">{customer.pk}</a>" in page
    assert "不写出来" not in page
