"""Numbers that nobody has go through all of it: import, history, search, reveal, call, export. Then every place where a number must not
stand is searched for them."""

import io
import logging
import re
from datetime import timedelta

import pytest
import redis
import xlsxwriter
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from campaigns.models import Call, Callback, CallImport, Lead
from campaigns.services import allocation
from campaigns.tests.calling import calling_campaign
from core.clock import database_now
from core.jobs import run_inline
from core.models import Job
from customers.models import Customer, LeadList, Phone
from customers.tests.factories import SourceFactory
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from telemkt.stack import urls

MARKER = "1917730"
NUMBERS = [f"{MARKER}{n:04d}" for n in range(1, 7)]
LISTED, STRANGER, SEARCHED, BROKEN = NUMBERS[:3], NUMBERS[3], NUMBERS[4], MARKER + "12"
HEADS = ("客户编号", "姓名", "手机", "城市")
CALL_HEADS = ("call_id", "campaign", "agent", "team", "phone", "direction", "started_at", "result", "talk_seconds")
# In any of the ways people write them; the mask is none of these.
DIGITS = re.compile(r"1\D?9\D?1\D?7\D?7\D?3\D?0")
# What is no number, and so nobody's, is shown to the data team as it stands in the file.
WHOLE = re.compile(DIGITS.pattern + r"(\D?\d){4}")


def workbook(heads: tuple[str, ...], rows: list[tuple]) -> io.BytesIO:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([heads, *rows]):
            sheet.write_row(number, 0, row)
    target.seek(0)
    target.name = "list.xlsx"
    return target


class Walker:
    """A person who uses the pages; keeps every answer."""

    def __init__(self, user, capture) -> None:
        self.client, self.capture = Client(raise_request_exception=False), capture
        self.client.force_login(user)
        self.pages: list[str] = []
        self.addresses: list[str] = []

    def get(self, name: str, /, *args, **query):
        return self._keep(self.client.get(reverse(name, args=args), query))

    def post(self, name: str, /, *args, is_secret: bool = False, **data):
        """A post, with what it sets off after the commit. `is_secret`: the one answer that may show a number."""
        with self.capture(execute=True):
            answer = self.client.post(reverse(name, args=args), data)
        return self._keep(answer, is_secret=is_secret)

    def _keep(self, answer, *, is_secret: bool = False):
        assert answer.status_code < 500, answer.request["PATH_INFO"]
        self.addresses.append(answer.headers.get("Location", ""))
        self.addresses.append(answer.headers.get("Content-Disposition", ""))
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        if not is_secret and body[:2] != b"PK":
            self.pages.append(body.decode("utf-8", "replace"))
        return answer


def work_off() -> None:
    for job in Job.objects.filter(state=Job.State.QUEUED).order_by("pk"):
        run_inline(job.pk)


@pytest.fixture
def walked(db, caplog, django_capture_on_commit_callbacks):
    """Everything done; returns what the people saw."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("django.db.backends").setLevel(logging.WARNING)  # as in production: statements are not logged
    city = CityFactory(name="Foshan", name_zh="佛山")
    team = TeamFactory(city=city)
    campaign = calling_campaign(team, telephony="handset")
    data = Walker(UserFactory(role="data"), django_capture_on_commit_callbacks)
    agent_user = UserFactory(agent=team, code="A1")
    agent = Walker(agent_user, django_capture_on_commit_callbacks)

    rows = [(f"c{n}", f"客户{n}", number, "佛山") for n, number in enumerate(LISTED)]
    rows += [("c8", "坏", BROKEN, "佛山"), ("c9", "坏", "1.91773E+10", "佛山")]
    data.post(
        "customers:list-upload", file=workbook(HEADS, rows), name="marked", source=SourceFactory().pk,
        consent_basis="contract of joining",
    )  # fmt: skip
    work_off()
    lead_list = LeadList.objects.get()
    data.get("customers:list", lead_list.pk, verdict="all")
    data.get("customers:list", lead_list.pk, verdict="invalid")
    data.post("customers:list-commit", lead_list.pk)
    work_off()
    assert Customer.objects.count() == len(LISTED)

    calls = [
        ("x1", campaign.code, "A1", team.code, LISTED[0], "outbound", "2026-03-02 10:00:00", "considering", 60),
        ("x2", campaign.code, "A1", team.code, STRANGER, "outbound", "2026-03-02 10:05:00", "no_answer", 0),
        ("x3", campaign.code, "A1", team.code, BROKEN, "outbound", "2026-03-02 10:06:00", "no_answer", 0),
    ]
    data.post("campaigns:call_import", file=workbook(CALL_HEADS, calls))
    work_off()
    row = CallImport.objects.get()
    data.get("campaigns:call_import_detail", row.pk)
    data.post("campaigns:call_import_start", row.pk)
    work_off()

    data.post("customers:customer-find", number=LISTED[1])
    data.post("customers:customer-find", number=SEARCHED)
    data.post("customers:customer-find", number=BROKEN)
    data.post("customers:suppression-new", number=SEARCHED, kind="refusal", note="asked by letter")
    phone = Phone.objects.first()
    data.post("customers:phone-reveal", phone.customer_id, phone.pk, is_secret=True, reason="complaint")
    for name in ("customers:customers", "campaigns:calls", "customers:suppressions"):
        data.get(name)
        data.get(name, export="csv")
        data.get(name, export="xlsx")
    data.get("customers:customer", phone.customer_id)
    data.get("core:jobs")

    lead_list.refresh_from_db()
    with django_capture_on_commit_callbacks(execute=True):
        allocation.allocate_list(
            campaign=campaign, lead_list=lead_list, priority=5, by=UserFactory(role="data"), at=database_now()
        )
    work_off()
    for number in (BROKEN, SEARCHED):
        agent.post("campaigns:desk_inbound", number=number)
    agent.post("campaigns:desk_inbound_drop", reason="nobody")
    agent.post("campaigns:desk_start")
    lead = Lead.objects.get(agent=agent_user, state=Lead.State.HELD)
    agent.get("campaigns:desk")
    agent.post("campaigns:desk_dial", lead=lead.pk)
    agent.post("campaigns:desk_number", lead=lead.pk, reason="dial", is_secret=True)
    agent.post("campaigns:desk_answered", lead=lead.pk)
    agent.post("campaigns:desk_hang_up", lead=lead.pk)
    tomorrow = (database_now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S%z")
    agent.post("campaigns:desk_result", lead=lead.pk, disposition="callback", callback_at=tomorrow, note="after lunch")
    agent.get("campaigns:callbacks")
    # the imported call of a known number, and the one made at the desk
    assert sorted(Call.objects.values_list("talk_seconds", flat=True))[-1] == 60
    assert Callback.objects.filter(lead=lead).exists()
    administrator = Walker(UserFactory(role="administrator"), django_capture_on_commit_callbacks)
    administrator.get("core:audit")
    administrator.get("core:audit", export="csv")
    return [data, agent, administrator]


def rows_with_marker(table: str) -> int:
    """Rows of a table in which a number stands in the open, as text or as bytes."""
    text, coded = MARKER, MARKER.encode().hex()
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s OR t::text LIKE %s',
            [f"%{text}%", f"%{coded}%"],
        )
        return cursor.fetchone()[0]


def redis_contents() -> str:
    server = (
        redis.Redis(unix_socket_path=str(urls.valkey_socket()), db=1)
        if not urls_given()
        else redis.from_url(urls.broker(1))
    )
    found = []
    for key in server.scan_iter():
        found.append(repr(key) + repr(server.dump(key)))
    server.close()
    return "\n".join(found)


def urls_given() -> bool:
    return not settings.CELERY_BROKER_URL.startswith("redis+socket:")


def test_a_number_stands_nowhere_in_the_open(walked, caplog):
    seen = [page for walker in walked for page in walker.pages]
    addresses = [address for walker in walked for address in walker.addresses]
    files = [str(path) for path in settings.FILES_DIR.rglob("*")]

    assert [line for line in caplog.text.splitlines() if DIGITS.search(line)] == []
    assert [address for address in addresses if DIGITS.search(address)] == []
    assert [name for name in files if DIGITS.search(name)] == []
    assert [
        page[max(0, found.start() - 200) : found.end() + 40] for page in seen if (found := WHOLE.search(page))
    ] == []
    assert MARKER not in redis_contents()
    assert {table: n for table in connection.introspection.table_names() if (n := rows_with_marker(table))} == {}


def test_the_search_would_find_them(db):
    """The canary itself sings: a number in the open is found."""
    UserFactory(role="data", display_name=NUMBERS[0])

    assert rows_with_marker("people_user") == 1
    assert DIGITS.search("a line with 191-7730 0001")
    assert not DIGITS.search("191****0001")
