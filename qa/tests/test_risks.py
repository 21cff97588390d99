import pytest
from django.db import IntegrityError, transaction

from campaigns.tests.factories import AT, CampaignFactory
from core.errors import PermissionRefused
from core.models import AuditEvent
from people.tests.factories import CityFactory, UserFactory
from qa.models import ComplaintRisk
from qa.services import risks

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign():
    return CampaignFactory(city=CityFactory())


@pytest.fixture
def keeper(campaign):
    return UserFactory(role="qa", city=campaign.city)


def test_a_risk_is_listed_once_while_it_is_open(campaign, keeper):
    first = risks.add(campaign=campaign, words="The price  rises after a year", at=AT, by=keeper)
    again = risks.add(campaign=campaign, words=" The price rises after a year ", at=AT)

    assert first == again
    assert AuditEvent.objects.filter(action="qa.risk.added").count() == 1


def test_what_was_cleared_and_is_seen_again_is_a_new_risk(campaign, keeper):
    first = risks.add(campaign=campaign, words="Late delivery", at=AT, by=keeper)
    risks.clear(risk=first, why="The shop delivers the same day", by=keeper, at=AT)

    again = risks.add(campaign=campaign, words="Late delivery", at=AT, cause="3 complaints")

    assert (again.pk != first.pk, again.added_by, again.cause) == (True, None, "3 complaints")


def test_nothing_said_is_no_risk_and_no_reason(campaign, keeper):
    with pytest.raises(risks.RiskUnsaid):
        risks.add(campaign=campaign, words="  ", at=AT, by=keeper)
    risk = risks.add(campaign=campaign, words="Late delivery", at=AT, by=keeper)
    with pytest.raises(risks.RiskUnsaid):
        risks.clear(risk=risk, why=" ", by=keeper, at=AT)


def test_a_risk_is_cleared_by_a_named_person_with_a_reason_once(campaign, keeper):
    risk = risks.add(campaign=campaign, words="Late delivery", at=AT, by=keeper)

    cleared = risks.clear(risk=risk, why="Same day now", by=keeper, at=AT)

    assert (cleared.cleared_by, cleared.cleared_at, cleared.cleared_why) == (keeper, AT, "Same day now")
    with pytest.raises(risks.RiskCleared):
        risks.clear(risk=risk, why="Once more", by=keeper, at=AT)


def test_who_takes_charge_of_a_risk_may_clear_it(campaign, keeper):
    risk = risks.add(campaign=campaign, words="Late delivery", at=AT)
    other = UserFactory(role="qa", city=campaign.city)

    assert risks.hand(risk=risk, owner=other, by=keeper, at=AT).owner == other
    with pytest.raises(PermissionRefused):
        risks.hand(risk=risk, owner=UserFactory(role="data", city=campaign.city), by=keeper, at=AT)


def test_another_citys_qa_neither_sees_nor_keeps_the_risks(campaign, keeper):
    risk = risks.add(campaign=campaign, words="Late delivery", at=AT, by=keeper)
    stranger = UserFactory(role="qa", city=CityFactory())

    assert list(ComplaintRisk.objects.visible_to(keeper)) == [risk]
    assert not ComplaintRisk.objects.visible_to(stranger).exists()
    for deed in (
        lambda: risks.add(campaign=campaign, words="Else", at=AT, by=stranger),
        lambda: risks.hand(risk=risk, owner=stranger, by=stranger, at=AT),
        lambda: risks.clear(risk=risk, why="No", by=stranger, at=AT),
    ):
        with pytest.raises(PermissionRefused):
            deed()


def test_the_database_neither_deletes_a_risk_nor_changes_a_cleared_one(campaign, keeper):
    risk = risks.add(campaign=campaign, words="Late delivery", at=AT, by=keeper)
    with pytest.raises(IntegrityError), transaction.atomic():
        risk.delete()
    risks.clear(risk=risk, why="Same day now", by=keeper, at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        ComplaintRisk.objects.update(cleared_why="Other words")
