from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction

from people.models import Membership, User
from scripts import services
from scripts.models import ScriptStep, ScriptVersion
from scripts.texts import StepText

from .factories import ScriptFactory, ScriptVersionFactory, live_version

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def user(name, role):
    person = User.objects.create(username=name)
    Membership.objects.create(user=person, role=role, valid_from=date(2020, 1, 1))
    return person


@pytest.fixture
def writer():
    return user("writer", "campaign_manager")


@pytest.fixture
def approver():
    return user("approver", "qa")


def steps(*parts):
    return [StepText(part, f"say {part}") for part in parts]


def test_steps_stand_in_the_order_of_the_parts_however_they_are_handed_in(writer):
    version = ScriptVersionFactory()

    services.write_steps(version=version, steps=steps("ending", "first_question"), by=writer, at=AT)

    assert list(version.steps.order_by("position").values_list("part", flat=True)) == ["first_question", "ending"]


def test_a_part_whose_text_is_emptied_leaves_the_draft(writer):
    version = ScriptVersionFactory(six_parts=True)

    services.write_steps(version=version, steps=[StepText("opening", "")], by=writer, at=AT)

    assert not version.steps.filter(part="opening").exists()


def test_review_names_the_parts_that_are_missing(writer):
    version = ScriptVersionFactory()
    services.write_steps(
        version=version, steps=steps("first_question", "opening", "introduction", "persuasion"), by=writer, at=AT
    )

    with pytest.raises(services.PartsMissing, match="Closing, Ending"):
        services.submit_version(version=version, by=writer, at=AT)


def test_the_writer_cannot_approve(writer):
    version = services.new_version(script=ScriptFactory(), by=writer, at=AT)
    services.write_steps(version=version, steps=steps(*ScriptStep.Part.values), by=writer, at=AT)
    services.submit_version(version=version, by=writer, at=AT)

    with pytest.raises(services.ApprovalRefused):
        services.approve_version(version=version, by=writer, at=AT)


def test_whoever_rewrote_the_draft_cannot_approve_it_either(writer, approver):
    version = services.new_version(script=ScriptFactory(), by=writer, at=AT)
    services.write_steps(version=version, steps=steps(*ScriptStep.Part.values), by=approver, at=AT)
    services.submit_version(version=version, by=writer, at=AT)

    with pytest.raises(services.ApprovalRefused):
        services.approve_version(version=version, by=approver, at=AT)


def test_an_approved_version_goes_live_and_the_one_before_retires(writer, approver):
    before = live_version()
    version = services.new_version(script=before.script, by=writer, at=AT)
    services.submit_version(version=version, by=writer, at=AT)
    services.approve_version(version=version, by=approver, at=AT)

    services.make_live(version=version, by=approver, at=AT)

    before.refresh_from_db()
    version.refresh_from_db()
    assert (before.status, version.status) == ("retired", "live")
    assert version.number == 2
    assert version.steps.count() == 6


def test_a_second_request_for_a_new_version_finds_the_open_draft(writer):
    script = live_version().script

    first = services.new_version(script=script, by=writer, at=AT)
    second = services.new_version(script=script, by=writer, at=AT)

    assert first == second


def test_the_text_of_an_approved_version_is_refused_by_the_service(writer):
    with pytest.raises(services.VersionIsFixed, match="new version"):
        services.write_steps(version=live_version(), steps=steps("opening"), by=writer, at=AT)


@pytest.mark.parametrize(
    "change",
    [
        lambda step: ScriptStep.objects.filter(pk=step.pk).update(text="other"),
        lambda step: ScriptStep.objects.filter(pk=step.pk).delete(),
        lambda step: ScriptStep.objects.create(version=step.version, part="ending", position=99, text="more"),
    ],
)
def test_the_database_refuses_to_change_an_approved_text(change):
    step = live_version().steps.first()

    with pytest.raises(IntegrityError), transaction.atomic():
        change(step)


def test_only_one_version_of_a_script_is_live():
    live = live_version()

    with pytest.raises(IntegrityError), transaction.atomic():
        ScriptVersion.objects.create(script=live.script, number=9, status="live", approved_at=AT)
