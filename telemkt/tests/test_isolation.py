"""What lies in another city is invisible: every page and every endpoint is asked, those that nobody has thought of yet included.

City B holds one row of everything that lies in a city. All these rows have the number B and a marker in their texts. Whoever works
in city A asks every address of the URL configuration, with B wherever a number is wanted: no answer may show the marker, and no
post may change a row. The region asks the same, and must see the marker, or this would prove nothing.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern
from django.utils import timezone

from campaigns.models import (
    Call,
    Callback,
    Campaign,
    CampaignTeam,
    DataRequest,
    Disposition,
    Experiment,
    ExperimentArm,
    Gate,
    Lead,
    ListAllocation,
    ListSample,
    Order,
    SegmentAllocation,
)
from core.models import PrivateFile
from core.partitions import ensure_partitions
from customers.models import (
    Canary,
    CanaryCall,
    Consent,
    Contact,
    ContactRule,
    Customer,
    LeadList,
    Merge,
    PersonRequest,
    Phone,
    RuleChange,
    RulePack,
    SamePerson,
    Segment,
    SegmentMembers,
    Source,
    Suppression,
)
from customers.tests.factories import CustomerFactory, PhoneFactory
from metrics.tests.factories import roll_up
from people.models import City, Membership, Team, User
from people.tests.factories import LONG_AGO, CityFactory, MembershipFactory, TeamFactory, UserFactory
from qa.models import (
    Appeal,
    Bulletin,
    Clip,
    Complaint,
    ComplaintCategory,
    Evaluation,
    EvaluationAnswer,
    FormItem,
    GateReview,
    Questionnaire,
    Recording,
    RecordingNote,
    Sound,
    SurveyAsk,
    SurveyRule,
    WrapUp,
)
from qa.services import bulletins
from qa.services.evaluations import DECIDE_WITHIN
from qa.wrap_up_content import collect
from scripts.models import Offer, Product
from staffing.models import CoachingSession, CoachingStep

A, B = 21_507, 30_911  # the rollup packs numbers of teams and campaigns into 16 bits
MARKER = {A: "aaamarker", B: "bbbmarker"}

# Rows of no city, so that everybody who may see such rows at all may see these; or addresses that are no page of a row.
EXEMPT = {
    "api:schema": "the description of the API holds no rows",
    "api:docs": "the description of the API holds no rows",
    "kit": "shows the parts of the look with made-up figures",
    "people:logout": "ends the session that asks",
}
SAMPLES = {"int": str(B), "slug": "cap", "str": str(B), "path": "x", "uuid": "00000000-0000-0000-0000-000000000001"}
# a post may answer with these when it did nothing for the one who asked
REFUSED = {400, 403, 404, 405, 409, 415, 422}
# a page that answers so is not for the one who asks
CLOSED = {302, 403, 404, 405}


def _text(pattern: URLPattern | URLResolver) -> str:
    text = str(pattern.pattern)
    if isinstance(pattern.pattern, RoutePattern):
        return re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES.get(found[1] or "str", str(B)), text)
    text = re.sub(r"\(\?P<\w+>[^()]*(?:\([^()]*\))?[^()]*\)\??", str(B), text)
    return text.replace("\\.", ".").strip("^$").replace("/?", "/")


def _walk(resolver: URLResolver, prefix: str = "", spaces: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    for pattern in resolver.url_patterns:
        path = prefix + _text(pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, path, (*spaces, pattern.namespace) if pattern.namespace else spaces)
        else:
            yield ":".join([*spaces, pattern.name or pattern.lookup_str]), path


URLS = sorted({(name, path) for name, path in _walk(get_resolver(), "/") if name not in EXEMPT})
ROWS = [(name, path) for name, path in URLS if str(B) in path]


def make_city(number: int) -> None:
    """One row of everything, with this number and its marker."""
    marker = MARKER[number]
    at = timezone.now() - timedelta(hours=2)
    city = CityFactory(id=number, code=f"{marker}-city", name=f"{marker} city", name_zh=f"{marker} 市")
    team = TeamFactory(id=number, code=f"{marker}-team", name=f"{marker} team", city=city)
    agent = UserFactory(id=number, username=f"{marker}-agent", display_name=f"{marker} agent", code=f"{marker}-code")
    MembershipFactory(id=number, user=agent, team=team)
    customer = CustomerFactory(
        id=number, city=city, name=f"{marker} customer", name_sort=marker, number=None, consent=False
    )
    PhoneFactory(id=number, customer=customer, is_primary=True)
    Consent.objects.create(id=number, customer=customer, basis=f"{marker} basis", stated_by=marker, given_at=at)
    Suppression.objects.create(
        id=number,
        customer=customer,
        kind="manual",
        note=f"{marker} note",
        source=marker,
        valid_from=at,
        created_by=agent,
    )
    PersonRequest.objects.create(
        id=number, customer=customer, kind="copy", way="phone", received_by=agent, received_on=at.date(), due_on=at.date()
    )  # fmt: skip
    twin = CustomerFactory(
        id=number + 1, city=city, name=f"{marker} twin", name_sort=marker, number=None, consent=False
    )
    pair = SamePerson.objects.create(id=number, first=customer, second=twin, why="digit", found_at=at)
    Merge.objects.create(id=number, pair=pair, kept=customer, gone=twin, at=at, by=agent)
    canary = Canary.objects.create(id=number, customer=customer, alert_to=agent, created_by=agent)
    CanaryCall.objects.create(id=number, canary=canary, called_at=at, reported_by=agent, reported_at=at)
    rule = ContactRule.objects.create(
        id=number, pack=RulePack.objects.get(code="CN-GEN"), key="gap", value={"minutes": 120}, city=city,
        valid_from=LONG_AGO, basis=f"{marker} basis",
    )  # fmt: skip
    RuleChange.objects.create(
        id=number, kind="change", rule=rule, pack=rule.pack, key="gap", value={"minutes": 240}, severity="block", city=city,
        holds_from=LONG_AGO, reason=f"{marker} why", asked_by=agent, asked_at=at,
    )  # fmt: skip
    source = Source.objects.get_or_create(name="of the region")[0]
    product = Product.objects.get_or_create(code="P", defaults={"name": "Product of the region"})[0]
    lead_list = LeadList.objects.create(
        id=number, name=f"{marker} list", source=source, city=city, consent_basis=marker, consent_stated_by=marker,
        created_by=agent, created_at=at,
    )  # fmt: skip
    segment = Segment.objects.create(
        id=number, name=f"{marker} segment", city=city, owner=agent, count=1, counted_at=at, strategy=f"{marker} strategy",
        conditions={"version": 1, "root": {"group": "and", "parts": [{"is": "suppressed", "op": "no"}]}},
    )  # fmt: skip
    SegmentMembers.objects.create(segment=segment, bitmap=SegmentMembers.packed([number]))
    campaign = Campaign.objects.create(
        id=number, code=f"{marker}-campaign", name=f"{marker} campaign", city=city, product=product, stage="running"
    )
    CampaignTeam.objects.create(id=number, campaign=campaign, team=team)
    allocation = ListAllocation.objects.create(id=number, campaign=campaign, lead_list=lead_list, by=agent, at=at)
    DataRequest.objects.create(
        id=number, campaign=campaign, city=city, wanted=5, conditions=segment.conditions, needed_on=at.date(), use_until=at.date(),
        reason=f"{marker} why", seed=1, asked_by=agent, asked_at=at,
    )  # fmt: skip
    SegmentAllocation.objects.create(
        id=number, campaign=campaign, segment=segment, counted_at=at, customer_count=1, by=agent, at=at
    )
    experiment = Experiment.objects.create(
        id=number, campaign=campaign, name=f"{marker} trial", usual_percent=5, smallest_points=1, per_arm=300, seed=1, created_by=agent
    )  # fmt: skip
    for place in (1, 2):
        offer = Offer.objects.create(
            product=product, code=f"OFFER-{number}-{place}", name="Offer of the region", valid_from=at.date()
        )
        ExperimentArm.objects.create(id=2 * number + place, experiment=experiment, number=place, share=50, offer=offer)
    ListSample.objects.create(id=number, allocation=allocation, size=5, seed=1, cut=0, by=agent, at=at)
    lead = Lead.objects.create(id=number, campaign=campaign, customer=customer, city=city, due_at=at, ready_at=at)
    Callback.objects.create(id=number, lead=lead, agent=agent, due_at=at, note=f"{marker} promise")
    Contact.objects.create(id=number, at=at, customer_id=number, city_id=number, campaign_id=number)
    where = {"customer_id": number, "city_id": number, "agent_id": number, "team_id": number, "campaign_id": number}
    sold = Disposition.objects.get(code="sold", campaign=None)
    Call.objects.create(
        id=number, started_at=at, team_city_id=number, lead_id=number, product_id=product.pk, disposition_id=sold.pk,
        connected=True, right_party=True, sale=True, talk_seconds=60, note=f"{marker} note", **where,
    )  # fmt: skip
    Order.objects.create(
        id=number,
        call_id=number,
        call_started_at=at,
        number=f"{marker}-order",
        product=product,
        amount_cents=100,
        **where,
    )
    file = PrivateFile.objects.create(
        id=number,
        kind="qa.recording",
        name="r",
        path=f"aa/{number}",
        created_at=at,
        ready_at=at,
        keep_until=at + timedelta(days=9),
    )
    sound = Sound.objects.create(
        id=number, sha256=f"{number:064x}", file=file, format="wav", channels=2, milliseconds=60_000, size_bytes=1
    )
    recording = Recording.objects.create(
        id=number, call_id=number, call_started_at=at, disposition_id=sold.pk, sale=True, sound=sound, seconds=60, origin="upload",
        keep_until=at + timedelta(days=9), transcript={"segments": [{"speaker": "agent", "start": 0, "end": 1, "text": f"{marker} said"}]}, **where,
    )  # fmt: skip
    RecordingNote.objects.create(id=number, recording=recording, by=agent, at=at, from_ms=1, text=f"{marker} remark")
    Clip.objects.create(
        id=number, recording=recording, customer_id=number, city_id=number, team_city_id=number, title=f"{marker} clip", stage="opening", consent="rules",
        from_ms=0, until_ms=9, sound=sound, state="ready", made_by=agent, made_at=at, keep_until=at + timedelta(days=9),
    )  # fmt: skip
    scorer = UserFactory(username=f"{marker}-scorer", display_name=f"{marker} scorer")
    item = FormItem.objects.filter(stage__version__status="published").order_by("pk")[0]
    evaluation = Evaluation.objects.create(
        id=number, call_id=number, call_started_at=at, recording=recording, version=item.stage.version, scorer=scorer, pick="requested",
        remark=f"{marker} whole", submitted_at=at, definition="qa_score.v1", coverage=0, **where,
    )  # fmt: skip
    answer = EvaluationAnswer.objects.create(
        id=number, evaluation=evaluation, item=item, answer="no", remark=f"{marker} no"
    )
    coached = CoachingSession.objects.create(
        id=number, agent=agent, coach=scorer, team=team, city=city, planned_at=at, own_view=f"{marker} view", own_view_at=at,
        good=f"{marker} good", improve=f"{marker} better", expected=f"{marker} hope", written_at=at,
    )  # fmt: skip
    CoachingStep.objects.create(id=number, session=coached, what=f"{marker} step", due_on=at.date())
    Appeal.objects.create(
        id=number, answer=answer, reason=f"{marker} appeal", appealed_at=at, due_at=at + DECIDE_WITHIN
    )
    WrapUp.objects.create(
        id=number, campaign_id=number, made_by=scorer, made_at=at, content=collect(Campaign.objects.get(pk=number), at),
        keep=f"{marker} keep", digest="0" * 64,
    )  # fmt: skip
    Bulletin.objects.create(
        id=number, campaign=campaign, hour=at, composed_at=at, text=f"{marker} bulletin", figures=bulletins.figures(campaign, at)
    )  # fmt: skip
    gate = Gate.objects.create(id=number, campaign=campaign, stage="running")
    GateReview.objects.create(id=number, gate=gate, opened_by=scorer, opened_at=at)
    questions = Questionnaire.objects.create(code=f"survey-{number}", number=1, question_zh="a", question_en="a", open_zh="a", open_en="a", made_by=scorer)  # fmt: skip
    survey_rule = SurveyRule.objects.create(
        id=number, questionnaire=questions, city=city, campaign=campaign, seed=marker, made_by=scorer, made_at=at
    )
    SurveyAsk.objects.create(
        id=number, rule=survey_rule, call_id=number, call_started_at=at, channel="sms", probability=1, chosen_at=at, try_at=at,
        **dict.fromkeys(where, number),
    )  # fmt: skip
    Complaint.objects.create(
        id=number, call_id=number, call_started_at=at, category=ComplaintCategory.objects.get(code="other"), severity="minor",
        words=f"{marker} complains", received_by=scorer, received_at=at, due_at=at, confirmed_at=at, **where,
    )  # fmt: skip


WIDE = ["data", "campaign_manager", "supervisor", "qa", "trainer", "city_manager"]


def make_people() -> dict[str, User]:
    """Somebody of city A in every role held there, its leader, its agent; somebody of nowhere; the region."""
    found = {kind: UserFactory(username=f"asks-{kind}") for kind in ("city", "leader", "agent", "nobody", "region")}
    for role in WIDE:
        MembershipFactory(user=found["city"], role=role, city=City.objects.get(pk=A))
    MembershipFactory(user=found["leader"], role="team_leader", team=Team.objects.get(pk=A))
    MembershipFactory(user=found["agent"], team=Team.objects.get(pk=A))
    for role in [*WIDE[:-1], "regional_manager", "administrator"]:
        MembershipFactory(user=found["region"], role=role)
    return found


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker):
    """Both cities, counted, and who asks: made once for all tests, each of which is undone alone."""
    with django_db_blocker.unblock(), transaction.atomic():
        first = timezone.localdate().replace(day=1) - timedelta(days=1)
        for parent in ("campaigns_call", "customers_contact"):
            ensure_partitions(parent, first.replace(day=1), 2)
        make_city(A)
        make_city(B)
        roll_up()
        yield make_people()
        transaction.set_rollback(True)


@pytest.fixture
def world(made, db) -> dict[str, User]:
    # what one test learned of a user's roles must not serve the next
    return {kind: User.objects.get(pk=user.pk) for kind, user in made.items()}


def client_of(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def body(answer) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if content.startswith(b"PK"):  # a workbook keeps its words in packed parts
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            content = b"".join(packed.read(name) for name in packed.namelist())
    return content.decode("utf-8", errors="replace")


def asked(client: Client, name: str, path: str) -> Iterator[tuple[str, str]]:
    """(address, text) of a page: as it is, with B as every filter, and as the file it offers of many days."""
    filters = urlencode(
        dict.fromkeys(("city", "team", "agent", "campaign", "customer", "list", "lead", "call", "user"), B)
    )
    # the page of one row has nothing to filter
    for query in ("",) if str(B) in path else ("", filters, _files()):
        url = f"{path}?{query}" if query else path
        answer = client.get(url)
        if answer.status_code >= 500:
            yield (
                f"{url} failed with {answer.status_code}: {answer.exc_info[1]!r}" if answer.exc_info else url,
                "".join(MARKER.values()),
            )
        elif answer.status_code < 300:
            yield url, body(answer)
        elif answer.status_code in CLOSED:
            return  # whatever is asked of it


def _files() -> str:
    today = timezone.localdate()
    since = today - timedelta(days=40)
    groups = "city,team,agent,campaign"
    return urlencode({"from": since, "to": today, "grain": "day", "by": groups, "export": "csv"})


# The pages, files and endpoints that show rows of a city to the region: that the region finds the marker there is the proof that
# the search would find it for the others.
SHOW_ROWS = {
    "api:bulletin-detail",
    "api:call-detail",
    "api:call-list",
    "api:city-detail",
    "api:city-list",
    "api:complaint-detail",
    "api:data-request-detail",
    "api:data-request-list",
    "api:evaluation-detail",
    "api:experiment-detail",
    "api:experiment-list",
    "api:gate-list",
    "api:gate-review-list",
    "api:indicator-list",
    "api:list-detail",
    "api:list-list",
    "api:order-detail",
    "api:order-list",
    "api:segment-detail",
    "api:segment-list",
    "api:segment-members",
    "api:suppression-detail",
    "api:suppression-list",
    "api:team-detail",
    "api:team-list",
    "api:wrap-up-detail",
    "api:wrap-up-list",
    "campaigns:call",
    "campaigns:callback_hand_over",
    "campaigns:callbacks",
    "campaigns:calls",
    "campaigns:campaign",
    "campaigns:campaign_edit",
    "campaigns:campaign_new",
    "campaigns:campaign_teams",
    "campaigns:campaign_why_not",
    "campaigns:campaigns",
    "campaigns:customer-calls",
    "campaigns:customer-orders",
    "campaigns:data-request",
    "campaigns:data-request-new",
    "campaigns:data-requests",
    "campaigns:experiment-edit",
    "campaigns:experiment-new",
    "campaigns:experiments",
    "campaigns:list_allocate",
    "campaigns:order",
    "campaigns:orders",
    "campaigns:segment-campaigns",
    "campaigns:segment_allocate",
    "campaigns:segment_allocation",
    "customers:customer",
    "customers:customers",
    "customers:list",
    "customers:list-columns",
    "customers:list-upload",
    "customers:lists",
    "customers:merge",
    "customers:merges",
    "customers:rule",
    "customers:rule-change",
    "customers:rule-changes",
    "customers:rule-history",
    "customers:rules",
    "customers:same-person",
    "customers:same-persons",
    "customers:segment",
    "customers:segment-edit",
    "customers:segment-grid",
    "customers:segment-new",
    "customers:segments",
    "customers:suppression",
    "customers:suppressions",
    "metrics:experiment",
    "metrics:floor",
    "metrics:floor-panels",
    "metrics:indicators",
    "metrics:indicators-csv",
    "metrics:indicators-xlsx",
    "metrics:sample",
    "people:cities",
    "people:city",
    "people:team",
    "people:team-new",
    "people:teams",
    "people:user",
    "people:user-new",
    "people:users",
    "qa:appeals",
    "qa:clips",
    "qa:complaint",
    "qa:complaints",
    "qa:evaluation",
    "qa:evaluations",
    "qa:recording",
    "qa:recordings",
}
# those of them that show rows to whoever works in the city in all roles
SHOW_OWN_ROWS = {
    "api:call-list",
    "api:city-list",
    "api:data-request-list",
    "api:experiment-list",
    "api:gate-list",
    "api:gate-review-list",
    "api:indicator-list",
    "api:list-list",
    "api:order-list",
    "api:segment-list",
    "api:suppression-list",
    "api:team-list",
    "api:wrap-up-list",
    "campaigns:callbacks",
    "campaigns:calls",
    "campaigns:campaign_new",
    "campaigns:campaigns",
    "campaigns:data-request-new",
    "campaigns:data-requests",
    "campaigns:list_allocate",
    "campaigns:orders",
    "campaigns:segment_allocate",
    "customers:customers",
    "customers:list-upload",
    "customers:lists",
    "customers:merges",
    "customers:rule-changes",
    "customers:rules",
    "customers:same-persons",
    "customers:segment-grid",
    "customers:segment-new",
    "customers:segments",
    "customers:suppressions",
    "metrics:floor",
    "metrics:floor-panels",
    "metrics:indicators",
    "metrics:indicators-csv",
    "metrics:indicators-xlsx",
    "people:cities",
    "people:teams",
    "people:users",
    "qa:appeals",
    "qa:clips",
    "qa:complaints",
    "qa:evaluations",
    "qa:recordings",
    "staffing:coaching",
    "staffing:coaching-new",
    "staffing:coaching-whom",
    "staffing:team-problems",
}


@pytest.mark.parametrize("kind", ["leader", "agent", "nobody"])
def test_no_page_and_no_endpoint_shows_another_citys_rows(world, kind):
    client = client_of(world[kind])

    shown = [url for name, path in URLS for url, text in asked(client, name, path) if MARKER[B] in text]

    assert shown == []


def test_who_works_in_a_city_sees_its_rows_and_none_of_another(world):
    client = client_of(world["city"])

    found = [(name, url, text) for name, path in URLS for url, text in asked(client, name, path)]

    assert [url for _name, url, text in found if MARKER[B] in text] == []
    assert SHOW_OWN_ROWS - {name for name, _url, text in found if MARKER[A] in text} == set()


def test_the_region_sees_what_the_others_do_not(world):
    client = client_of(world["region"])

    shows = [(name, path) for name, path in URLS if name in SHOW_ROWS]
    seen = {name for name, path in shows if any(MARKER[B] in text for _url, text in asked(client, name, path))}

    assert SHOW_ROWS - seen == set()


def _rows() -> dict[str, object]:
    """Everything of city B, as it stands."""
    models = [
        City,
        Team,
        User,
        Membership,
        Customer,
        Phone,
        Consent,
        Suppression,
        ContactRule,
        RuleChange,
        LeadList,
        SamePerson,
        Merge,
        Segment,
        Campaign,
        Lead,
        DataRequest,
        Experiment,
        ListSample,
        Callback,
        Call,
        Order,
        Evaluation,
        Appeal,
        WrapUp,
        CoachingSession,
        CoachingStep,
        Complaint,
    ]
    found = {model.__name__: model.objects.filter(pk=B).values().get() for model in models}
    found["User"].pop("last_login")
    return found


@pytest.mark.parametrize("kind", ["city", "leader", "agent", "nobody"])
def test_no_post_reaches_another_citys_rows(world, kind):
    client = client_of(world[kind])
    before = _rows()

    answers = {path: client.post(path).status_code for _name, path in ROWS}

    reached = {path: status for path, status in answers.items() if status not in REFUSED}
    assert _rows() == before
    assert reached == {}


def test_every_exemption_still_exists():
    assert set(EXEMPT) <= {name for name, _path in _walk(get_resolver(), "/")}
