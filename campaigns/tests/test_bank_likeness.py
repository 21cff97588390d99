"""Likeness on the full files of the bank: what an honest measure says of real calls. `make bank DIR=...`."""

import os
from pathlib import Path

import pytest
from django.core.management import call_command

from campaigns.models import Campaign, LikenessModel
from campaigns.services import likeness
from campaigns.tests.factories import AT, person
from core.jobs import run_inline
from people.tests.factories import UserFactory

pytestmark = [
    pytest.mark.bank,
    # before the database is asked for: only a run of its own has the seeds whole
    pytest.mark.skipif(
        not os.environ.get("BANK_DIR"), reason="make bank DIR=... names the folder with the files of the bank"
    ),
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]  # each finds the seeds of the migrations


def test_within_months_likeness_is_modest_and_a_random_split_flatters_it():
    folder = os.environ["BANK_DIR"]
    user = UserFactory(role="administrator", username="bank").username
    call_command(
        "import_leads", str(Path(folder) / "leads.xlsx"), "--campaign=BANK-TD", "--source=bank", f"--user={user}", "--create"
    )  # fmt: skip
    call_command("import_calls", str(Path(folder) / "calls.xlsx"), f"--user={user}", "--create")
    campaign = Campaign.objects.get(code="BANK-TD")

    job = likeness.train_likeness(campaign=campaign, scope="campaign", by=person("campaign_manager"), at=AT)
    run_inline(job.pk)

    model = LikenessModel.objects.get(job_id=job.pk)
    within, random = model.report["within"], model.report["random"]
    assert (model.refusal, model.buyers) == ("", 5289)
    assert 0.57 < within["low"] < within["auc"] < within["high"] < 0.66
    assert 0.60 < within["half"] < 0.64
    assert random["auc"] > within["high"] + 0.1
    assert random["half"] > within["half"] + 0.1
