"""The command that brings a list: it looks at the file first and makes what is missing by the services."""

import pytest
from django.core.management import CommandError, call_command

from campaigns.models import Campaign, Lead
from core.models import AuditEvent
from customers.models import LeadList, Source
from customers.tests import list_files
from people.tests.factories import UserFactory
from scripts.models import Product

pytestmark = pytest.mark.django_db


def run(path):
    call_command("import_leads", str(path), "--campaign=OLD", "--source=bank", "--user=boss", "--create")


@pytest.mark.parametrize("content", [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), None])
def test_nothing_is_made_for_a_file_that_cannot_be_a_list(tmp_path, content):
    UserFactory(role="administrator", username="boss")
    path = tmp_path / "list.xlsx"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(CommandError):
        run(path)

    assert not any(model.objects.exists() for model in (Campaign, Product, Source, LeadList))


def test_what_is_missing_is_made_and_the_trail_says_by_whom(tmp_path):
    boss = UserFactory(role="administrator", username="boss")
    path = tmp_path / "list.xlsx"
    path.write_bytes(list_files.workbook([["E1", "x", "19100007541", "Foshan", 30, ""]]).getvalue())

    run(path)

    assert Lead.objects.get().campaign.stage == Campaign.Stage.HISTORY
    made = AuditEvent.objects.filter(
        action__in=["customers.source.created", "scripts.product.saved", "campaigns.campaign.planned"]
    )
    assert sorted(made.values_list("actor_id", flat=True)) == [boss.pk] * 3
