"""Scorecards of sources and lists, and a sample beside the other sources: every expected value counted by hand."""

from __future__ import annotations

import csv
import io

import pytest
from django.urls import reverse

from campaigns.models import ListAllocation, ListSample
from core.stats import sample_per_arm
from customers.models import LeadList, RowVerdict, Source
from metrics import samples, scorecards
from metrics.tests import factories as f
from metrics.tests.test_lists import count
from people.models import Membership
from people.tests.factories import CityFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
Role = Membership.Role


@pytest.fixture
def city():
    return CityFactory(name="Foshan")


@pytest.fixture
def data(db):
    """Of the region."""
    return UserFactory(role=Role.DATA)


def a_source(name="Bought", kind="bought", price_cents=50) -> Source:
    return Source.objects.create(name=name, kind=kind, price_cents=price_cents, supplier="Supplier")


def a_list(source, city=None, **counts) -> LeadList:
    by = UserFactory()
    return LeadList.objects.create(
        name=f"List of {source.name}", source=source, city=city, status="committed", consent_basis="x", consent_stated_by="x",
        created_by=by, created_at=f.at(f.DAY), committed_by=by, committed_at=f.at(f.DAY), counts=counts, row_count=sum(counts.values()),
    )  # fmt: skip


def calls(lead_list, city, *, first=1, called, reached=0, won=0, **more) -> list:
    """One call each to so many customers, numbered from `first`; the first of them reached, the first of these won. Returns the orders."""
    orders = []
    for number in range(called):
        where = {
            "customer_id": first + number, "city_id": city.pk, "list_id": lead_list.pk, "source_id": lead_list.source_id, **more,
        }  # fmt: skip
        call = f.make_call(connected=number < reached, sale=number < won, **where)
        if number < won:
            orders.append(f.make_order(call))
    return orders


def score_of(user, name) -> scorecards.Score:
    return next(score for score in scorecards.source_scores(user) if score.name == name)


# -- the scorecard


def test_a_source_tells_what_came_and_what_became_of_it(city, data):
    lead_list = a_list(a_source(), new=5, update=2, duplicate=1, invalid=1, suppressed=1)
    orders = calls(lead_list, city, called=6, reached=4, won=2)
    calls(lead_list, city, called=1, reached=1)  # the first customer a second time
    f.cancel(orders[0], f.DAY)
    count()

    score = score_of(data, "Bought")

    assert (score.lists, score.received, score.taken) == (1, 10, 7)
    assert (score.called, score.reached, score.counts["calls"]) == (6, 4, 7)
    assert score.contact.value == pytest.approx(400 / 6)
    assert score.success.value == 50
    assert score.rate("cancellation_rate").value == 50
    assert score.rate("final_success_rate").value == 25
    # 10 rows at 0.50; two orders, one cancelled
    assert (score.cost_cents, score.cost_per_order) == (500, 5.0)


def test_a_rate_bears_its_wilson_interval_and_is_small_under_its_smallest_denominator():
    counts = {"customers_called": 40, "customers_reached": 3}
    rate = scorecards.rate_of(counts, "contact_rate")

    assert (round(rate.low, 2), round(rate.high, 2), rate.is_small) == (2.58, 19.86, False)
    assert scorecards.rate_of({"customers_called": 29, "customers_reached": 3}, "contact_rate").is_small
    assert scorecards.rate_of({"customers_called": 0, "customers_reached": 0}, "contact_rate").value is None


def test_customers_on_two_lists_of_a_source_are_counted_once_and_their_rows_twice(city, data):
    source = a_source()
    for _ in range(2):
        calls(a_list(source, new=3), city, called=3)
    count()

    score = score_of(data, "Bought")

    assert (score.called, score.received, score.counts["calls"]) == (3, 6, 6)
    assert [one.called for one in scorecards.list_scores(data)] == [3, 3]


def test_without_a_price_there_is_no_cost_instead_of_a_cost_of_nought(city, data):
    calls(a_list(a_source(kind="own", price_cents=0), new=1), city, called=1, reached=1, won=1)
    count()

    assert (score_of(data, "Bought").cost_cents, score_of(data, "Bought").cost_per_order) == (None, None)


def test_a_list_that_is_not_committed_is_not_counted(data):
    LeadList.objects.filter(pk=a_list(a_source(), new=3).pk).update(
        status="checked", committed_at=None, committed_by=None
    )

    assert score_of(data, "Bought").received == 0
    assert scorecards.list_scores(data) == []


def test_a_reader_of_one_city_sees_its_lists_and_calls_alone_and_is_told_its_verdicts(city, data):
    source = a_source()
    mine, theirs = a_list(source, city, new=2), a_list(source, CityFactory(), new=9)
    calls(mine, city, called=2)
    calls(mine, CityFactory(), first=20, called=4)
    calls(theirs, city, first=30, called=5)
    held = {"told": "new", "told_reason": "", "verdict": "undecided"}
    RowVerdict.objects.create(lead_list=mine, row_no=2, customer_id=1, **held)
    count()
    reader = UserFactory(role=Role.DATA, city=city)

    score = score_of(reader, "Bought")

    assert (score.lists, score.received, score.taken, score.called) == (1, 2, 2, 2)
    assert (score_of(data, "Bought").taken, score_of(data, "Bought").called) == (10, 11)


# -- its pages, files and API


def test_the_page_shows_sources_side_by_side_sorted_by_what_is_asked(client, city, data):
    calls(a_list(a_source("Poor"), new=2), city, called=10, reached=1)
    calls(a_list(a_source("Rich"), new=2), city, first=50, called=10, reached=9)
    count()
    client.force_login(data)

    page = client.get(reverse("metrics:scorecards"), {"sort": "-contact_rate"})

    names = [score.name for score, _href, _cells in page.context["listing"].rows]
    assert names[:2] == ["Rich", "Poor"]
    assert "90.0" in page.content.decode()


def test_a_file_holds_every_rate_with_its_interval_and_is_audited(client, city, data):
    from core.models import AuditEvent

    lead_list = a_list(a_source(), new=40)
    calls(lead_list, city, called=40, reached=3)
    count()
    client.force_login(data)

    answer = client.get(reverse("metrics:scorecard-source", args=[lead_list.source_id]), {"export": "csv"})

    head, row = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    found = dict(zip(head, row, strict=True))
    assert (found["Customers called"], float(found["Contact rate"])) == ("40", 7.5)
    assert round(float(found["Contact rate, lower limit"]), 2) == 2.58
    assert round(float(found["Contact rate, upper limit"]), 2) == 19.86
    assert AuditEvent.objects.filter(action="core.list.exported", detail__list="metrics.lists_of_source").exists()


def test_excel_is_written_too(client, data):
    a_list(a_source(), new=1)
    client.force_login(data)

    answer = client.get(reverse("metrics:scorecards"), {"export": "xlsx"})

    assert b"".join(answer.streaming_content)[:2] == b"PK"


def test_a_list_shows_each_campaign_that_called_it(client, city, data):
    lead_list = a_list(a_source(), new=4)
    for code in ("A", "B"):
        calls(lead_list, city, called=2, campaign_id=f.campaign(code=code, name=f"Campaign {code}").pk)
    count()
    client.force_login(data)

    page = client.get(reverse("metrics:scorecard-list", args=[lead_list.pk]))

    assert [(score.name, score.called) for score, _href, _cells in page.context["listing"].rows] == [
        ("Campaign A", 2),
        ("Campaign B", 2),
    ]
    assert page.context["score"].called == 2


def test_another_city_does_not_find_the_list(client, city):
    lead_list = a_list(a_source(), city, new=4)
    client.force_login(UserFactory(role=Role.DATA, city=CityFactory()))

    assert client.get(reverse("metrics:scorecard-list", args=[lead_list.pk])).status_code == 404


@pytest.mark.parametrize("path", ["/sources/scorecards/", "/api/v1/scorecards/"])
def test_agents_and_strangers_are_turned_away(client, path):
    assert client.get(path).status_code in (302, 401, 403)
    client.force_login(UserFactory(role=Role.AGENT, team=TeamFactory()))
    assert client.get(path).status_code == 403


def test_the_api_says_what_the_page_says(client, city, data):
    lead_list = a_list(a_source(), new=40)
    calls(lead_list, city, called=40, reached=3)
    count()
    client.force_login(data)

    by_source = client.get("/api/v1/scorecards/").json()
    by_list = client.get("/api/v1/scorecards/", {"by": "list", "source": lead_list.source_id}).json()

    (one,) = (row for row in by_source if row["name"] == "Bought")
    assert (one["rows_received"], one["rows"]["new"], one["measures"]["customers_called"]) == (40, 40, 40)
    assert one["rates"]["contact_rate"]["value"] == 7.5
    assert by_list[0]["id"] == lead_list.pk
    assert client.get("/api/v1/scorecards/", {"by": "moon"}).status_code == 400


@pytest.mark.parametrize("count_of", [1, 3])
def test_the_page_runs_the_same_queries_however_many_lists(client, city, data, count_of, django_assert_max_num_queries):
    for number in range(count_of):
        calls(a_list(a_source(f"S{number}"), new=2), city, first=10 * number + 1, called=2)
    count()
    client.force_login(data)

    with django_assert_max_num_queries(9):
        client.get(reverse("metrics:scorecards"))


# -- a sample


def counted(called, reached, won=0):
    return {"customers_called": called, "customers_reached": reached, "customers_won": won, "calls": called}


def test_the_worked_case_is_told_in_the_words_of_the_page():
    judged = samples.judge("success_rate", counted(1000, 420, 36), counted(1000, 410, 24))

    assert judged.words == "The sample is ahead by 2.7 points; the data fit anything from −0.8 to +6.3."
    # ((1.960 sqrt(2 x .0721 x .9279) + .8416 sqrt(.0857 x .9143 + .0585 x .9415)) / .0272) squared is 1,422, of which 420 are there
    assert (judged.state, judged.more) == ("early", 1002)
    assert judged.more_words == "Too early: about 1,002 more customers reached."


@pytest.mark.parametrize(("p", "q", "each"), [(0.05, 0.06, 8158), (0.08, 0.096, 4921), (0.03, 0.033, 53211)])
def test_the_sample_an_arm_is_that_of_the_worked_figures(p, q, each):
    assert sample_per_arm(p, q) == each


def test_a_difference_under_a_fifth_is_looked_for_as_a_fifth():
    assert samples.needed_per_arm(8.1, 8.0) == 4921
    assert samples.needed_per_arm(5.0, 0.0) is not None
    assert samples.needed_per_arm(0.0, 0.0) is None


@pytest.mark.parametrize(
    ("mine", "theirs", "state"),
    [
        ((400, 240), (4000, 1600), "ahead"),
        ((400, 80), (4000, 1600), "behind"),
        ((400, 160), (4000, 1600), "early"),
        ((4000, 1600), (4000, 1600), "alike"),
        ((4000, 1600), (50, 20), "few_others"),
        ((20, 20), (4000, 1600), "early"),
        ((0, 0), (4000, 1600), "nothing"),
    ],
)
def test_each_state_of_a_rate(mine, theirs, state):
    assert samples.judge("contact_rate", counted(*mine), counted(*theirs)).state == state


def tried(lead_list, campaign, size=500) -> ListSample:
    by = UserFactory()
    allocation = ListAllocation.objects.create(campaign=campaign, lead_list=lead_list, by=by, at=f.at(f.DAY))
    return ListSample.objects.create(allocation=allocation, size=size, seed=1, cut=0, by=by, at=f.at(f.DAY))


@pytest.fixture
def trial(city):
    """A sample of 40 called, 4 reached, in a campaign where another source has 60 called, 48 reached."""
    campaign = f.campaign()
    lead_list, other = a_list(a_source(), city, new=500), a_list(a_source("Own", "own", 0), city, new=500)
    calls(lead_list, city, called=40, reached=4, campaign_id=campaign.pk)
    calls(other, city, first=100, called=60, reached=48, campaign_id=campaign.pk)
    # not compared with: another campaign, and a city in which the sample was not called
    calls(other, city, first=200, called=9, campaign_id=campaign.pk + 1)
    calls(other, CityFactory(), first=300, called=7, campaign_id=campaign.pk)
    count()
    return tried(lead_list, campaign)


def test_a_sample_is_compared_with_the_other_sources_of_its_campaign(trial, data):
    found = samples.compare(trial, data)

    assert (found.mine.called, found.together.called) == (40, 60)
    assert [(other.name, other.called) for other in found.others] == [("Own", 60)]
    assert found.judged[0].state == "behind"
    assert (found.verdict, found.headline) == ("do_not_buy", "Do not buy: the list is worse than the other sources.")


def test_before_the_first_call_of_a_sample_the_others_are_shown_and_nothing_is_judged(city, data):
    campaign = f.campaign()
    calls(a_list(a_source("Own", "own", 0), new=9), city, called=40, reached=20, campaign_id=campaign.pk)
    count()

    found = samples.compare(tried(a_list(a_source(), new=500), campaign), data)

    assert (found.mine.called, found.together.called) == (0, 40)
    assert found.headline == "Too early: there is nothing to compare with yet."


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        (("ahead", "alike"), "buy"),
        (("early", "ahead"), "buy"),
        (("alike", "alike"), "buy"),
        (("behind", "early"), "do_not_buy"),
        (("ahead", "behind"), "mixed"),
        (("alike", "early"), "too_early"),
        (("nothing", "nothing"), "too_early"),
    ],
)
def test_both_rates_together_decide(states, verdict):
    judged = [samples.Judged("contact_rate", "", None, None, None, state) for state in states]

    assert samples._verdict(judged) == verdict


def test_too_early_says_about_how_many_more_calls(city, data):
    campaign = f.campaign()
    lead_list, other = a_list(a_source(), new=500), a_list(a_source("Own", "own", 0), new=500)
    calls(lead_list, city, called=40, reached=20, campaign_id=campaign.pk)
    calls(lead_list, city, called=40, reached=20, campaign_id=campaign.pk)
    calls(other, city, first=100, called=40, reached=20, campaign_id=campaign.pk)
    count()

    found = samples.compare(tried(lead_list, campaign, size=50), data)

    # 60 against 50 percent: 388 an arm, 40 are there; 348 customers more, each called twice so far
    assert sample_per_arm(0.6, 0.5) == 388
    assert found.judged[0].more == 348
    assert found.headline == "Too early: about 696 more calls are needed."
    assert found.is_too_small


def test_the_page_of_a_sample_offers_both_ways_on_until_it_is_decided(client, trial, data):
    client.force_login(data)
    path = reverse("metrics:sample", args=[trial.pk])
    page = client.get(path).content.decode()
    assert "Do not buy" in page
    assert reverse("campaigns:sample-rest", args=[trial.pk]) in page

    client.post(reverse("campaigns:sample-stop", args=[trial.pk]), {"reason": "dead numbers"})

    page = client.get(path).content.decode()
    assert "dead numbers" in page
    assert reverse("campaigns:sample-rest", args=[trial.pk]) not in page


def test_the_rest_is_let_go_from_the_page(client, trial, data):
    client.force_login(data)

    client.post(reverse("campaigns:sample-rest", args=[trial.pk]))

    trial.refresh_from_db()
    assert (trial.state, trial.decided_by) == ("released", data)


def test_another_city_finds_no_sample_and_decides_nothing(client, trial):
    client.force_login(UserFactory(role=Role.DATA, city=CityFactory()))

    assert client.get(reverse("metrics:sample", args=[trial.pk])).status_code == 404
    for verb in ("sample-rest", "sample-stop"):
        assert client.post(reverse(f"campaigns:{verb}", args=[trial.pk]), {"reason": "x"}).status_code == 404
    trial.refresh_from_db()
    assert trial.state == "tried"


def test_who_may_not_assign_lists_does_not_decide(client, trial):
    client.force_login(UserFactory(role=Role.QA))

    assert client.post(reverse("campaigns:sample-rest", args=[trial.pk])).status_code == 403
    assert client.get(reverse("metrics:sample", args=[trial.pk])).status_code == 403


def test_a_sample_is_asked_for_where_the_list_is_assigned(client, city, data):
    client.force_login(data)
    campaign, lead_list = f.campaign(), a_list(a_source(), new=500)
    facts = {"lead_list": lead_list.pk, "campaign": campaign.pk, "priority": 5, "sample_size": 100}

    client.post(reverse("campaigns:list_allocate"), facts)

    assert ListSample.objects.get().size == 100
    page = client.get(reverse("campaigns:campaign", args=[campaign.pk])).content.decode()
    assert reverse("metrics:sample", args=[ListSample.objects.get().pk]) in page
