"""What is said of every file of the corpus, and what none of them may do."""

from __future__ import annotations

import logging
import resource
import time

import pytest

from core.clock import database_now
from core.jobs import run_inline
from core.models import Job
from customers import list_queries
from customers.models import Customer, LeadList, Phone, RowVerdict, StagedRow, Suppression
from customers.services import list_receiving
from customers.services.suppress import suppress
from customers.tests import corpus
from customers.tests.factories import CustomerFactory, SourceFactory
from people.tests.factories import CityFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    """A member of the region's data team, in the world that the corpus speaks of."""
    foshan, _guangzhou = CityFactory(name="Foshan", name_zh="佛山"), CityFactory(name="Guangzhou", name_zh="广州")
    CustomerFactory(city=foshan, name="known", number=corpus.KNOWN)
    data = UserFactory(role="data")
    suppress(phone=corpus.BLOCKED, kind=Suppression.Kind.REGISTER, by=data, at=database_now())
    return data


def answer(case: corpus.Case, by, *, city=None) -> tuple[str | tuple[str, ...], LeadList | None]:
    """What is said of the file, as the corpus writes it."""
    try:
        lead_list = list_receiving.receive_list(
            file=case.make(), file_name="list.xlsx", name="", source=SourceFactory(), city=city, consent_basis="contract", by=by,
            at=database_now(),
        )  # fmt: skip
    except list_receiving.FileRefused as refused:
        return f"refused: {refused.code}", None
    assert run_inline(lead_list.job_id)
    lead_list.refresh_from_db()
    if lead_list.status == LeadList.Status.FAILED:
        return f"failed: {lead_list.fault}", lead_list
    assert lead_list.status == LeadList.Status.CHECKED, Job.objects.get(pk=lead_list.job_id).last_error
    rows = RowVerdict.objects.filter(lead_list=lead_list).order_by("row_no")
    return tuple(":".join(filter(None, (row.verdict, row.reason))) for row in rows), lead_list


def test_the_corpus_is_large_and_names_each_file_once():
    names = [case.name for case in corpus.ALL]

    assert len(set(names)) == len(names) >= 60


@pytest.mark.parametrize("case", corpus.ALL, ids=lambda case: case.name)
def test_each_file_gets_its_answer_writes_nothing_and_tells_the_logs_nothing(case, world, caplog):
    before = (Customer.objects.count(), Phone.objects.count(), Suppression.objects.count())
    caplog.set_level(logging.DEBUG)
    began = time.monotonic()

    said, lead_list = answer(case, world)

    assert said == case.expected
    assert time.monotonic() - began < 60
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1024 * 1024, "the reading process took a gigabyte"
    assert (Customer.objects.count(), Phone.objects.count(), Suppression.objects.count()) == before
    for personal in ("1910000754", "张国", "李敏", "Atlantis"):
        assert personal not in caplog.text
    if lead_list is not None and isinstance(said, str):
        assert not StagedRow.objects.filter(lead_list=lead_list).exists(), "a file that failed leaves no rows"


def test_a_number_of_another_city_is_told_to_a_citys_reader_as_new(world):
    """Whatever way it is written."""
    guangzhou, foshan = Customer.objects.get().city, None
    foshan, guangzhou = guangzhou, type(guangzhou).objects.get(name="Guangzhou")
    CustomerFactory(city=guangzhou, number=corpus.A)
    reader = UserFactory()
    MembershipFactory(user=reader, role="data", city=foshan, team=None)
    case = corpus.Case("", corpus.book(("a", "+86 191 0000 7541", "Foshan"), ("b", corpus.B, "Foshan")), ())

    said, lead_list = answer(case, reader, city=foshan)

    assert said == ("undecided:region", "new")
    rows = list_queries.rows_of(
        lead_list, list(RowVerdict.objects.filter(lead_list=lead_list).order_by("row_no")), reader
    )
    assert [row.verdict for row in rows] == ["new", "new"]
    assert list_queries.counts_for(lead_list, reader)["new"] == 2
