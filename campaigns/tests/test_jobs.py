"""What campaigns does in the background by the clock."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns import jobs
from campaigns.tests.factories import AT, CityFactory, CustomerFactory
from core.partitions import partition_months
from customers.models import Contact

pytestmark = pytest.mark.django_db


class Nightly:
    """A run of a job at a moment of our choice."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def test_calls_and_contacts_both_get_the_coming_months():
    far = datetime(2031, 11, 30, 18, 0, tzinfo=UTC)  # the 1st of December in the region

    assert jobs.make_months(Nightly(far)) == {"made": 8}

    for parent in ("campaigns_call", "customers_contact"):
        made = [name.removeprefix(f"{parent}_") for name in partition_months(parent)][-4:]
        assert made == ["2031_12", "2032_01", "2032_02", "2032_03"]
    assert jobs.make_months(Nightly(far + timedelta(hours=1))) == {"made": 0}


def test_rows_outside_every_month_are_told_with_their_table():
    customer = CustomerFactory(city=CityFactory())
    Contact.objects.create(
        at=datetime(2001, 1, 1, tzinfo=UTC), customer_id=customer.pk, city_id=customer.city_id, state="made"
    )

    with pytest.raises(jobs.RowsOutsideMonths, match=r"customers_contact \(1\)"):
        jobs.make_months(Nightly(AT))
