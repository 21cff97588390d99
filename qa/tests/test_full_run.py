"""The first hours of a full run: hours of work, limits set beforehand, sheets that stay as they were counted, and who decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from campaigns.models import Call, Campaign
from campaigns.tests.factories import CampaignFactory
from core.errors import PermissionRefused
from core.jobs import enqueue, run_inline
from core.models import AuditEvent, Job
from customers.models import Customer
from people.models import Membership
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from qa import limits
from qa.models import FullRun, FullRunLimit, FullRunSheet, ScoringTask
from qa.services import full_run
from qa.tests.factories import call_of, recording_of
from qa.tests.sheets import form_of

pytestmark = pytest.mark.django_db
Role = Membership.Role
Verdict = FullRunSheet.Verdict
DAWN = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)  # 17:00 in the region
QUARTER = timedelta(minutes=15)


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def qa(team):
    return UserFactory(role=Role.QA, city=team.city)


@pytest.fixture
def form():
    return form_of(UserFactory(role=Role.QA)).form


@pytest.fixture
def campaign(team):
    return CampaignFactory(city=team.city)


def prepared(campaign, form, qa, **shares):
    return full_run.prepare(campaign=campaign, form=form, picks=2, shares=shares, by=qa, at=DAWN - timedelta(hours=1))


def begun(campaign, form, qa, **shares):
    """Prepared, and begun at DAWN."""
    run = prepared(campaign, form, qa, **shares)
    full_run.watch(run_id=run.pk, at=DAWN)
    run.refresh_from_db()
    return run


def worked(team, campaign, start, quarters, **fields):
    """One call in each of so many quarters."""
    agent = UserFactory(agent=team)
    return [
        call_of(team, agent=agent, at=start + QUARTER * n + timedelta(minutes=3), campaign=campaign, **fields)
        for n in range(quarters)
    ]


def test_hour_four_during_a_night_break_comes_the_next_morning(team, campaign, form, qa):
    run = begun(campaign, form, qa)
    worked(team, campaign, DAWN, 12)  # three hours in the evening
    assert full_run.watch(run_id=run.pk, at=DAWN + timedelta(hours=3)) == 1
    assert full_run.watch(run_id=run.pk, at=DAWN + timedelta(hours=10)) == 0
    morning = DAWN + timedelta(hours=16)
    worked(team, campaign, morning, 4)
    assert full_run.watch(run_id=run.pk, at=morning + timedelta(minutes=59)) == 0
    assert full_run.watch(run_id=run.pk, at=morning + timedelta(minutes=60)) == 1
    two, four = run.sheets.order_by("hour")
    assert (two.hour, two.since, two.until) == (2, DAWN, DAWN + timedelta(hours=2))
    # its last two hours: the last of the evening, and the first of the morning
    assert (four.hour, four.since, four.until) == (4, DAWN + timedelta(hours=2), morning + timedelta(hours=1))


def test_hours_of_work_run_on_while_the_clocks_change(settings, team, campaign, form, qa):
    settings.TIME_ZONE = "Europe/Berlin"
    run = prepared(campaign, form, qa)
    start = datetime(2027, 3, 28, 0, 0, tzinfo=UTC)  # an hour later the clocks jump from 2 to 3
    full_run.watch(run_id=run.pk, at=start)
    worked(team, campaign, start, 8)
    assert full_run.watch(run_id=run.pk, at=start + timedelta(hours=2)) == 1
    assert run.sheets.get().until == start + timedelta(hours=2)


def test_a_late_job_takes_each_sheet_as_of_its_hour(team, campaign, form, qa):
    run = begun(campaign, form, qa)
    worked(team, campaign, DAWN, 30)
    assert full_run.watch(run_id=run.pk, at=DAWN + timedelta(hours=9)) == 3
    figures = run.sheets.order_by("hour").values_list("hour", "figures__so_far__calls", "figures__last__calls")
    assert list(figures) == [(2, 8, 8), (4, 16, 8), (6, 24, 8)]
    assert run.pk not in full_run.watched()


def test_a_double_run_takes_one_sheet_and_draws_once(team, campaign, form, qa):
    run = begun(campaign, form, qa)
    for call in worked(team, campaign, DAWN, 8)[:4]:
        recording_of(call, at=call.started_at)
    for _again in range(2):
        full_run.watch(run_id=run.pk, at=DAWN + timedelta(hours=2))
    sheet = run.sheets.get()
    tasks = ScoringTask.objects.filter(source="full_run", source_id=sheet.pk)
    assert (sheet.picked, tasks.count()) == (2, 2)
    assert {task.probability for task in tasks} == {0.5}


def test_one_campaign_that_fails_keeps_none_of_the_others_waiting(monkeypatch, team, campaign, form, qa):
    runs = [prepared(each, form, qa) for each in (campaign, CampaignFactory(city=team.city))]
    watch, seen = full_run.watch, []

    def watching(*, run_id, at):
        if run_id == runs[0].pk:
            raise ZeroDivisionError
        seen.append(run_id)
        return watch(run_id=run_id, at=at)

    monkeypatch.setattr(full_run, "watch", watching)
    job = enqueue(kind="qa.watch_full_runs", key="now", by=None)
    run_inline(job.pk)

    job.refresh_from_db()
    assert job.state != Job.State.DONE
    assert seen == [runs[1].pk]


def test_a_call_stored_late_counts_in_its_quarter(team, campaign, form, qa):
    run = begun(campaign, form, qa)
    worked(team, campaign, DAWN, 7)
    assert full_run.watch(run_id=run.pk, at=DAWN + timedelta(hours=3)) == 0
    worked(team, campaign, DAWN + 7 * QUARTER, 1)
    assert full_run.watch(run_id=run.pk, at=DAWN + timedelta(hours=3)) == 1
    assert run.sheets.get().until == DAWN + timedelta(hours=2)


def test_an_earlier_quarter_stored_late_stands_before_the_later_ones(team, campaign, form, qa):
    run = begun(campaign, form, qa)
    worked(team, campaign, DAWN, 3)
    worked(team, campaign, DAWN + 4 * QUARTER, 4)
    assert full_run.watch(run_id=run.pk, at=DAWN + timedelta(hours=2)) == 0
    worked(team, campaign, DAWN + 3 * QUARTER, 1)
    assert full_run.watch(run_id=run.pk, at=DAWN + timedelta(hours=2)) == 1
    sheet = run.sheets.get()
    assert (sheet.since, sheet.until, sheet.figures["so_far"]["calls"]) == (DAWN, DAWN + timedelta(hours=2), 8)


def test_it_begins_when_the_campaign_entered_its_full_run(team, campaign, form, qa):
    run = prepared(campaign, form, qa)
    AuditEvent.objects.create(
        at=DAWN, action="campaigns.campaign.stage_entered", subject_type="campaigns.campaign", subject_id=str(campaign.pk), detail={"stage": "running"},
    )  # fmt: skip
    full_run.watch(run_id=run.pk, at=DAWN + timedelta(minutes=4))
    run.refresh_from_db()
    assert run.began_at == DAWN


def test_limits_change_until_the_first_hour_has_begun(team, campaign, form, qa):
    run = prepared(campaign, form, qa, success_rate=0.05)
    full_run.set_limits(run=run, shares={"success_rate": 0.06}, by=qa, at=DAWN)
    full_run.watch(run_id=run.pk, at=DAWN)
    with pytest.raises(full_run.LimitsStand):
        full_run.set_limits(run=run, shares={}, by=qa, at=DAWN)
    assert [limit.share for limit in run.limits.all()] == [0.06]


def test_figures_of_a_sheet_stay_when_calls_come_or_change_afterwards(team, campaign, form, qa):
    run = begun(campaign, form, qa, success_rate=0.05)
    calls = worked(team, campaign, DAWN, 8)
    full_run.watch(run_id=run.pk, at=DAWN + timedelta(hours=2))
    before = run.sheets.get().figures
    call_of(team, at=DAWN + timedelta(minutes=1), campaign=campaign, result="sold")
    Call.objects.filter(pk=calls[0].pk).update(complaint=True)
    full_run.watch(run_id=run.pk, at=DAWN + timedelta(hours=3))
    assert run.sheets.get().figures == before
    assert before["so_far"]["calls"] == before["so_far"]["customers_reached"] == 8


def test_persons_who_were_merged_are_one_customer_of_a_sheet(team, campaign):
    """Four calls to four rows, of whom the first went into the second and that into the third: two customers are called and reached, one won."""
    first, second, third, fourth = worked(team, campaign, DAWN, 4)
    merge(first, second)
    merge(second, third)
    Call.objects.filter(pk__in=[first.pk, third.pk]).update(sale=True)

    told = full_run.count(campaign.pk, DAWN, DAWN + timedelta(hours=1))

    assert (told["calls"], told["calls_connected"]) == (4, 4)
    assert (told["customers_called"], told["customers_reached"], told["customers_won"]) == (2, 2, 1)
    assert fourth.customer_id not in (first.customer_id, second.customer_id, third.customer_id)


def merge(gone, kept):
    Customer.objects.filter(pk=gone.customer_id).update(merged_into=kept.customer_id)


@pytest.mark.parametrize(
    ("above", "below", "side", "share", "says"),
    [
        (3, 40, "least", 0.05, "within"),
        (3, 40, "least", 0.10, "early"),  # 7.5 % of 40, and 2.6 to 20.0 % fit it
        (10, 400, "least", 0.06, "beyond"),
        (1, 10, "least", 0.01, "early"),  # under 30 nothing is said
        (12, 300, "most", 0.01, "beyond"),
        (2, 150, "most", 0.01, "early"),
    ],
)
def test_a_limit_is_passed_only_when_the_whole_interval_is_beyond_it(above, below, side, share, says):
    assert limits.state(above, below, side, share) == says


def test_too_early_says_how_many_more():
    more = limits.still_needed(3, 40, "least", 0.10)
    assert limits.state(0.075 * (40 + more), 40 + more, "least", 0.10) == "beyond"
    assert limits.state(0.075 * (39 + more), 39 + more, "least", 0.10) == "early"
    line = {"says": "early", "more": more, "indicator": "success_rate", "numerator": 3, "denominator": 40, "low": 0.02, "high": 0.2, "side": "least", "share": 0.1}  # fmt: skip
    assert limits.in_words(line)["sentence"] == f"Too early: about {more} more observations at this rate."


def sheet_of(campaign, form, qa, team):
    run = begun(campaign, form, qa, success_rate=0.05)
    worked(team, campaign, DAWN, 8)
    full_run.watch(run_id=run.pk, at=DAWN + timedelta(hours=2))
    return run.sheets.get()


def test_hold_stops_the_campaign_and_needs_a_reason_where_the_limits_say_other(team, campaign, form, qa):
    sheet = sheet_of(campaign, form, qa, team)
    assert sheet.by_limits == Verdict.EARLY
    with pytest.raises(full_run.NotDecided):
        full_run.decide(sheet=sheet, decision="hold", reason=" ", by=qa, at=DAWN)
    full_run.decide(sheet=sheet, decision="hold", reason="Two insults heard", by=qa, at=DAWN)
    campaign.refresh_from_db()
    assert not campaign.is_on
    with pytest.raises(full_run.NotDecided):
        full_run.decide(sheet=sheet, decision="early", reason="", by=qa, at=DAWN)


def test_a_campaign_is_prepared_once_and_not_after_its_run(team, campaign, form, qa):
    prepared(campaign, form, qa)
    with pytest.raises(full_run.NotPlanned):
        prepared(campaign, form, qa)
    with pytest.raises(full_run.NotPlanned):
        prepared(CampaignFactory(city=team.city, stage=Campaign.Stage.WRAP_UP), form, qa)


def test_another_citys_qa_neither_decides_nor_sees(client, team, campaign, form, qa):
    sheet = sheet_of(campaign, form, qa, team)
    stranger = UserFactory(role=Role.QA, city=CityFactory())
    with pytest.raises(PermissionRefused):
        full_run.decide(sheet=sheet, decision="early", reason="", by=stranger, at=DAWN)
    client.force_login(stranger)
    assert campaign.name not in client.get(reverse("qa:full-runs")).content.decode()
    assert client.get(reverse("qa:full-run", args=[sheet.run_id])).status_code == 404


def test_the_pages_prepare_show_and_decide(client, team, campaign, form, qa):
    client.force_login(qa)
    assert client.get(reverse("qa:full-run-new")).status_code == 200
    said = {"campaign": campaign.pk, "form": form.pk, "picks": "2", "success_rate": "5", "complaint_rate": "1"}
    assert client.post(reverse("qa:full-run-new"), said).status_code == 302
    run = campaign.full_run
    assert run.limits.get(indicator="complaint_rate").side == "most"
    client.post(reverse("qa:full-run-limits", args=[run.pk]), {"success_rate": "6"})
    assert [limit.share for limit in run.limits.all()] == [0.06]
    full_run.watch(run_id=run.pk, at=run.prepared_at)
    start = run.prepared_at
    worked(team, campaign, start, 9)
    full_run.watch(run_id=run.pk, at=start + timedelta(hours=3))
    page = client.get(reverse("qa:full-run", args=[run.pk])).content.decode()
    assert "Hour 2" in page
    # none of 8: with z = 1.992 the interval of none of n ends at 3.968 / (n + 3.968), under 6 % from n = 63 on
    assert "Too early: about 55 more observations at this rate." in page
    refused = client.post(reverse("qa:full-run-decide", args=[run.pk, 2]), {"decision": "proceed"})
    assert refused.status_code == 409
    assert "Say why you decide other" in refused.content.decode()
    assert client.post(reverse("qa:full-run-decide", args=[run.pk, 2]), {"decision": "early"}).status_code == 302
    assert "to be decided" not in client.get(reverse("qa:full-runs")).content.decode()


def test_the_database_keeps_limits_and_sheets_as_they_were(team, campaign, form, qa):
    sheet = sheet_of(campaign, form, qa, team)
    full_run.decide(sheet=sheet, decision="early", reason="", by=qa, at=DAWN)
    run, sheets = FullRun.objects.filter(pk=sheet.run_id), FullRunSheet.objects.filter(pk=sheet.pk)
    limits_set = FullRunLimit.objects.filter(run=sheet.run_id)
    for change in (
        lambda: sheets.update(figures={}), lambda: sheets.update(decision="hold", reason="Other"), sheets.delete,
        lambda: limits_set.update(share=0.5), limits_set.delete, lambda: run.update(began_at=DAWN - QUARTER), lambda: run.update(picks=50),
        lambda: FullRunLimit.objects.create(run_id=sheet.run_id, indicator="contact_rate", side="least", share=0.1),
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
