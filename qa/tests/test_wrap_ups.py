"""Wrap-ups: figures counted by hand and frozen, what was learnt, files that leave the house, and who may see which."""

from __future__ import annotations

from datetime import date, timedelta

import openpyxl
import pytest
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from campaigns.models import Campaign, Gate
from campaigns.tests.factories import CampaignFactory
from core.calendar import business_date
from core.clock import database_now
from core.errors import PermissionRefused
from metrics.tests import factories as f
from people.models import Membership
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from qa import wrap_up_files, wrap_up_page
from qa.models import ComplaintCategory, Evaluation, FullRun, FullRunSheet, WrapUp
from qa.services import wrap_ups
from qa.services.complaints import take_complaint
from qa.tests.factories import call_of
from qa.tests.sheets import evaluated, form_of
from scripts.models import GuidanceMap, Phrase
from scripts.services_maps import add_card, open_map

pytestmark = pytest.mark.django_db
Role = Membership.Role
Stage = Campaign.Stage
DAY = f.DAY
AT = f.at(DAY + timedelta(days=10))  # 14 March 2026
FINISHED = AT + timedelta(hours=1)


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()


@pytest.fixture
def team():
    return TeamFactory(city=CityFactory(name="Foshan"), code="F1")


@pytest.fixture
def qa(team):
    return UserFactory(role=Role.QA, city=team.city, display_name="Lin")


@pytest.fixture
def campaign(team):
    return CampaignFactory(
        city=team.city, code="HOME-1", name="Home", stage=Stage.WRAP_UP, starts_on=date(2026, 3, 2), ends_on=date(2026, 3, 13)
    )  # fmt: skip


@pytest.fixture
def called(team, campaign):
    """By F1: 4 customers called, 3 reached, 2 won of whom 1 cancelled; by F2: 1 called, reached and not won. One call before the start."""
    other = TeamFactory(city=team.city, code="F2")
    fields = {"campaign": campaign, "at": f.at(DAY)}
    calls = [call_of(team, result="sold", **fields) for _n in range(2)]
    calls += [
        call_of(team, **fields),
        call_of(team, connected=False, talk_seconds=0, **fields),
        call_of(other, **fields),
    ]
    orders = [f.make_order(call) for call in calls[:2]]
    f.cancel(orders[0], DAY + timedelta(days=2))
    call_of(team, campaign=campaign, at=f.at(date(2026, 2, 27)), result="sold")
    f.roll_up()
    return calls


def made(campaign, by, at=AT):
    return wrap_ups.make(campaign=campaign, by=by, at=at)


def finished(campaign, by):
    row = wrap_ups.write(wrap_up=made(campaign, by), keep="Greet by name", change="Say the price first", by=by, at=AT)
    return wrap_ups.finish(wrap_up=row, digest=row.digest, by=by, at=FINISHED)


def line(row, level, name=""):
    return next(line for line in row.content["figures"] if line["level"] == level and name in line["names"])


def rates(found):
    return {
        key: found["rates"][key]["value"]
        for key in ("contact_rate", "success_rate", "final_success_rate", "cancellation_rate")
    }


def section(row, code):
    return next(found for found in wrap_up_page.sections(row) if found.code == code)


# ---------------------------------------------------------------- figures


def test_the_whole_each_city_and_each_team_are_counted_at_their_own_level(campaign, called, qa):
    row = made(campaign, qa)

    whole = line(row, "total")
    assert {name: whole["counts"][name] for name in ("calls", "customers_reached", "customers_won", "customers_cancelled")} == {
        "calls": 5, "customers_reached": 4, "customers_won": 2, "customers_cancelled": 1,
    }  # fmt: skip
    assert rates(whole) == {
        "contact_rate": 80.0, "success_rate": 50.0, "final_success_rate": 25.0, "cancellation_rate": 50.0,
    }  # fmt: skip
    assert rates(line(row, "city", "Foshan")) == rates(whole)
    first, second = line(row, "team", "F1"), line(row, "team", "F2")
    assert (first["counts"]["calls"], rates(first)["success_rate"]) == (4, pytest.approx(100 * 2 / 3))
    assert (second["counts"]["calls"], rates(second)["success_rate"]) == (1, 0.0)
    assert (whole["rates"]["success_rate"]["above"], whole["rates"]["success_rate"]["below"]) == (2, 4)


def test_while_cancellations_are_to_come_the_figures_say_so(campaign, called, qa):
    assert {"cancellation_rate", "final_success_rate"} <= set(made(campaign, qa).content["young"])
    assert made(campaign, qa, AT + timedelta(days=90)).content["young"] == []


def test_a_finished_one_stays_as_it_was_counted_whatever_happens_later(team, campaign, called, qa):
    row = finished(campaign, qa)
    before = row.content

    call_of(team, campaign=campaign, at=f.at(DAY, 15), result="sold")
    campaign.name = "Renamed"
    campaign.save()
    f.roll_up()
    row.refresh_from_db()

    assert row.content == before
    assert wrap_ups.digest_of(row.content, row.keep, row.change) == row.digest
    assert "Renamed" not in wrap_up_files.document(row)


# ---------------------------------------------------------------- what was learnt


def test_common_errors_are_what_was_wanting_in_calls_drawn_at_random(team, campaign, qa):
    """Three drawn: the order is not asked for in two of them, one insults; a fourth, chosen for its risk, does not count."""
    version = form_of(UserFactory(role=Role.QA))
    told = [{}, {}, {"Asks for the order": "yes", "Insults": "yes"}, {"Thanks": "no"}]
    rows = [evaluated(call_of(team, campaign=campaign, at=f.at(DAY)), version, qa, told=each) for each in told]
    Evaluation.objects.filter(pk__in=[row.pk for row in rows[:3]]).update(pick="random", probability=0.5)

    row = made(campaign, qa)

    assert row.content["scored"] == 3
    assert [(error["texts"][0], error["bad"], error["n"]) for error in row.content["errors"]] == [
        ("Asks for the order", 2, 3), ("Insults", 1, 3),
    ]  # fmt: skip


def test_the_first_hours_stand_in_it_as_they_were_frozen(campaign, called, qa):
    """Of 40 reached 6 won: 15 percent, where 10 at least were wanted."""
    run = FullRun.objects.create(campaign=campaign, form=form_of(qa).form, prepared_by=qa, prepared_at=AT)
    counts = {
        "calls": 60,
        "calls_connected": 41,
        "customers_reached": 40,
        "customers_won": 6,
        "calls_scored": 4,
        "calls_passed": 3,
    }
    judged = {"indicator": "success_rate", "version": 1, "numerator": 6, "denominator": 40, "low": 0.05, "high": 0.3, "side": "least", "share": 0.1, "says": "within", "more": 0}  # fmt: skip
    FullRunSheet.objects.create(
        run=run, hour=2, until=f.at(DAY), since=f.at(DAY), counted_at=AT, figures={"so_far": counts, "judged": [judged]},
        by_limits="proceed", decision="proceed", decided_by=qa, decided_at=AT,
    )  # fmt: skip

    row = made(campaign, qa)

    [cells] = section(row, "first_hours").rows
    assert [cell.value for cell in cells[2:8]] == [60, 41, 40, 6, 4, 3]
    assert [cell.shown for cell in cells[8:12]] == ["Success rate 15.0 % (≥ 10.0 %)", "Proceed", "Proceed", "Lin"]
    assert "First hours of the full run" in wrap_up_files.document(row)


def test_a_report_of_before_has_no_first_hours(campaign, called, qa):
    row = made(campaign, qa)
    del row.content["first_hours"]

    assert section(row, "first_hours").rows == []


def test_complaints_are_counted_by_category_with_the_serious_ones(campaign, called, qa):
    price, manner = ComplaintCategory.objects.order_by("pk")[:2]
    take_complaint(category=price, severity="normal", words="Dear", by=qa, at=AT, call=called[0])
    take_complaint(category=price, severity="serious", words="Dear", by=qa, at=AT, call=called[1])
    take_complaint(category=manner, severity="minor", words="Loud", by=qa, at=AT, call=called[0])

    assert made(campaign, qa).content["complaints"] == [
        {"category": price.name, "n": 2, "serious": 1}, {"category": manner.name, "n": 1, "serious": 0},
    ]  # fmt: skip


def test_an_override_is_shown_with_both_names_and_the_reason(campaign, qa):
    second = UserFactory(role=Role.REGIONAL_MANAGER, display_name="Mei")
    Gate.objects.update_or_create(
        campaign=campaign, stage=Stage.TRIAL,
        defaults={"status": "overridden", "reason": "Holiday", "decided_by": qa, "second_by": second, "decided_at": AT},
    )  # fmt: skip

    [cells] = [cells for cells in section(made(campaign, qa), "gates").rows if cells[5].value == "Holiday"]

    assert (cells[2].value, cells[3].value) == (str(qa), str(second))


def test_the_map_is_archived_with_the_report_and_phrases_in_use_stand_in_it(campaign, qa):
    found = open_map(product=campaign.product, by=qa, at=AT, campaign_id=campaign.pk, campaign="Home")
    add_card(map=found, quadrant="strength", text="Fast", by=qa, at=AT)
    Phrase.objects.create(text="May I ask", product=campaign.product, added_by=qa)
    Phrase.objects.create(text="Old one", product=campaign.product, added_by=qa, retired_at=AT)

    row = finished(campaign, qa)

    assert GuidanceMap.objects.get(pk=found.pk).archived_at == FINISHED
    assert [card["text"] for card in row.content["map"]["cards"]][-1] == "Fast"
    assert [phrase["text"] for phrase in row.content["phrases"]] == ["May I ask"]


# ---------------------------------------------------------------- verbs


def test_made_twice_there_is_one_and_the_words_stay(campaign, called, qa):
    first = wrap_ups.write(wrap_up=made(campaign, qa), keep="Greet", change="", by=qa, at=AT)
    second = made(campaign, qa, AT + timedelta(minutes=5))

    assert (second.pk, second.keep, WrapUp.objects.count()) == (first.pk, "Greet", 1)


def test_it_is_collected_without_a_lock_on_the_campaign_that_desks_and_the_stop_switch_wait_for(campaign, called, qa):
    with CaptureQueriesContext(connection) as asked:
        finished(campaign, qa)
    said = [query["sql"] for query in asked.captured_queries]
    assert any("pg_advisory_xact_lock" in sql for sql in said)
    assert not [sql for sql in said if "FOR UPDATE" in sql and '"campaigns_campaign"."id" =' in sql]


def test_a_campaign_that_has_not_called_has_nothing_to_wrap_up(campaign, qa):
    Campaign.objects.filter(pk=campaign.pk).update(stage=Stage.PLANNED)
    with pytest.raises(wrap_ups.NothingToWrapUp):
        made(campaign, qa)


def test_it_is_finished_at_the_end_of_the_campaign_only(campaign, called, qa):
    campaign.stage, campaign.ends_on = Stage.RUNNING, date(2026, 3, 20)
    campaign.save()
    with pytest.raises(wrap_ups.NotReady):
        finished(campaign, qa)
    campaign.ends_on = date(2026, 3, 14)  # the day of FINISHED: it still calls
    campaign.save()
    with pytest.raises(wrap_ups.NotReady):
        finished(campaign, qa)
    campaign.ends_on = date(2026, 3, 13)
    campaign.save()
    assert finished(campaign, qa).is_finished


def test_it_is_due_when_the_last_day_is_over(client, campaign, called, qa):
    client.force_login(qa)
    today = business_date(database_now())
    for ends_on, is_due in ((today, False), (today - timedelta(days=1), True)):
        Campaign.objects.filter(pk=campaign.pk).update(stage=Stage.RUNNING, ends_on=ends_on)
        assert (b"Home" in client.get(reverse("qa:wrap-ups")).content) is is_due


def test_it_is_finished_with_words_and_as_it_was_read(campaign, called, qa):
    row = made(campaign, qa)
    with pytest.raises(wrap_ups.NotReady):
        wrap_ups.finish(wrap_up=row, digest=row.digest, by=qa, at=FINISHED)
    read = row.digest
    row = wrap_ups.write(wrap_up=row, keep="Greet", change="", by=qa, at=AT)
    with pytest.raises(wrap_ups.NotReady):
        wrap_ups.finish(wrap_up=row, digest=read, by=qa, at=FINISHED)


def test_what_has_come_in_since_is_counted_before_it_is_finished(team, campaign, called, qa):
    row = wrap_ups.write(wrap_up=made(campaign, qa), keep="Greet", change="", by=qa, at=AT)
    call_of(team, campaign=campaign, at=f.at(DAY, 16), result="sold")
    f.roll_up()
    with pytest.raises(wrap_ups.NotReady):
        wrap_ups.finish(wrap_up=row, digest=row.digest, by=qa, at=FINISHED)

    row = made(campaign, qa)
    assert wrap_ups.finish(wrap_up=row, digest=row.digest, by=qa, at=FINISHED).is_finished
    assert line(row, "total")["counts"]["customers_won"] == 3


def test_a_finished_one_never_changes(campaign, called, qa):
    row = finished(campaign, qa)

    assert wrap_ups.finish(wrap_up=row, digest=row.digest, by=qa, at=AT + timedelta(days=1)).finished_at == FINISHED
    with pytest.raises(wrap_ups.IsFinished):
        made(campaign, qa)
    with pytest.raises(wrap_ups.IsFinished):
        wrap_ups.write(wrap_up=row, keep="Other", change="", by=qa, at=AT)
    for change in (
        lambda: WrapUp.objects.update(keep="Other"),
        lambda: WrapUp.objects.update(finished_at=None, finished_by=None),
        lambda: WrapUp.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_words_written_while_it_is_counted_anew_are_kept(campaign, called, qa, monkeypatch):
    draft = made(campaign, qa)
    counted = wrap_ups.collect

    def while_counting(*asked):
        wrap_ups.write(wrap_up=draft, keep="Ask first.", change="", by=qa, at=AT)
        return counted(*asked)

    monkeypatch.setattr(wrap_ups, "collect", while_counting)
    made(campaign, qa)

    assert WrapUp.objects.get().keep == "Ask first."


def test_words_with_a_phone_number_are_not_taken(campaign, called, qa):
    with pytest.raises(wrap_ups.WordsNotTaken):
        wrap_ups.write(wrap_up=made(campaign, qa), keep="Call 13900007548 again", change="", by=qa, at=AT)


def test_another_citys_qa_and_a_data_person_cannot_wrap_up(team, campaign, called):
    for by in (UserFactory(role=Role.QA, city=CityFactory()), UserFactory(role=Role.DATA, city=team.city)):
        with pytest.raises(PermissionRefused):
            made(campaign, by)


# ---------------------------------------------------------------- files


def test_the_workbook_opens_and_holds_the_figures_a_chart_and_the_definitions(campaign, called, qa):
    row = finished(campaign, qa)
    book = openpyxl.load_workbook(wrap_up_files.workbook(row))

    teams = {cells[0].value: cells for cells in book["By team"].iter_rows(min_row=2) if cells[0].value}
    heads = [cell.value for cell in book["By team"][1]]
    assert [cell.value for cell in teams["F1"][1:7]] == [4, 3, 4, 3, 2, 1]
    assert teams["F1"][heads.index("Final success rate, %")].value == pytest.approx(100 / 3)
    assert book["By team"]._charts
    assert book["By city"]._charts
    assert "customers won / customers reached" in [cell.value for cell in book["Definitions"]["B"]]


def test_no_text_of_the_workbook_is_a_formula(campaign, called, qa):
    row = wrap_ups.write(wrap_up=made(campaign, qa), keep="=1+1", change="@SUM(A1)", by=qa, at=AT)

    cells = openpyxl.load_workbook(wrap_up_files.workbook(row))["What was learnt"]

    assert [(cell.value, cell.data_type) for cell in cells["B"][1:]] == [("'=1+1", "s"), ("'@SUM(A1)", "s")]


def test_the_document_escapes_every_text_and_holds_no_script(campaign, called, qa):
    bad = "<script>alert(1)</script>"
    Campaign.objects.filter(pk=campaign.pk).update(name=bad)
    Phrase.objects.create(text=bad, added_by=qa)
    open_map(product=campaign.product, by=qa, at=AT, campaign_id=campaign.pk, campaign=bad, like=None)
    row = wrap_ups.write(wrap_up=made(campaign, qa), keep=bad, change="<b>x</b>", by=qa, at=AT)

    text = wrap_up_files.document(row)

    assert "<script" not in text
    assert "<b>" not in text
    assert text.count("&lt;script&gt;") >= 4
    assert "@media print" in text
    assert 'src="' not in text
    assert 'href="' not in text
    with override("zh-hans"):
        assert '<html lang="zh-hans">' in wrap_up_files.document(row)


def test_the_files_name_no_customer_and_no_agent(campaign, called, qa, django_user_model):
    text = wrap_up_files.document(made(campaign, qa))
    agents = django_user_model.objects.filter(pk__in={call.agent_id for call in called})
    assert [agent.display_name for agent in agents if agent.display_name in text] == []


# ---------------------------------------------------------------- pages


def test_from_the_campaign_to_the_finished_report_by_its_pages(client, campaign, called, qa):
    client.force_login(qa)
    assert b"Make the wrap-up" in client.get(reverse("qa:wrap-up-of-campaign", args=[campaign.pk])).content
    assert b"Home" in client.get(reverse("qa:wrap-ups")).content
    client.post(reverse("qa:wrap-up-make", args=[campaign.pk]))
    row = WrapUp.objects.get()
    page = client.get(reverse("qa:wrap-up", args=[row.pk]))
    assert page.status_code == 200
    assert "50.00" in page.content.decode()
    client.post(reverse("qa:wrap-up-words", args=[row.pk]), {"keep": "Greet", "change": "Price"})
    row.refresh_from_db()
    assert (row.keep, row.change) == ("Greet", "Price")
    client.post(reverse("qa:wrap-up-finish", args=[row.pk]), {"digest": row.digest})
    row.refresh_from_db()
    assert row.is_finished
    refused = client.post(reverse("qa:wrap-up-words", args=[row.pk]), {"keep": "Other"})
    assert refused.status_code == 409
    for suffix in ("html", "xlsx"):
        answer = client.get(reverse("qa:wrap-up-export", args=[row.pk, suffix]))
        assert f"wrap-up-HOME-1.{suffix}" in answer["Content-Disposition"]
        assert len(b"".join(answer.streaming_content)) > 1000
    assert client.get(reverse("qa:wrap-up-export", args=[row.pk, "exe"])).status_code == 404


def test_the_next_campaign_of_the_kind_is_offered_what_was_learnt(client, team, campaign, called, qa):
    row = finished(campaign, qa)
    of_product = CampaignFactory(
        city=team.city, product=campaign.product, stage=Stage.PLANNED, type="care", purpose="service"
    )
    of_kind = CampaignFactory(city=team.city, stage=Stage.PLANNED, type=campaign.type, purpose=campaign.purpose)
    other = CampaignFactory(city=team.city, stage=Stage.PLANNED, type="survey", purpose="service")
    client.force_login(qa)
    for found, is_offered in ((of_product, True), (of_kind, True), (other, False)):
        page = client.get(reverse("qa:wrap-up-of-campaign", args=[found.pk])).content.decode()
        assert (reverse("qa:wrap-up", args=[row.pk]) in page) is is_offered
        assert ("Greet by name" in page) is is_offered


def test_another_city_sees_nothing_and_a_stranger_is_turned_away(client, campaign, called, qa):
    row = finished(campaign, qa)
    pages = [
        reverse("qa:wrap-up", args=[row.pk]), reverse("qa:wrap-up-export", args=[row.pk, "html"]),
        reverse("qa:wrap-up-of-campaign", args=[campaign.pk]),
    ]  # fmt: skip
    assert [client.get(page).status_code for page in pages] == [302] * 3
    client.force_login(UserFactory(role=Role.QA, city=CityFactory()))
    assert [client.get(page).status_code for page in pages] == [404] * 3
    assert client.post(reverse("qa:wrap-up-make", args=[campaign.pk])).status_code == 404
    assert b"Home" not in client.get(reverse("qa:wrap-ups")).content
    client.force_login(UserFactory(role=Role.TRAINER))
    assert client.get(pages[0]).status_code == 403
    assert client.get(reverse("qa:wrap-ups")).status_code == 403


def test_who_sees_may_not_write_without_the_role(client, team, campaign, called, qa):
    row = made(campaign, qa)
    client.force_login(UserFactory(role=Role.CITY_MANAGER, city=team.city))
    page = client.get(reverse("qa:wrap-up", args=[row.pk])).content.decode()
    assert reverse("qa:wrap-up-words", args=[row.pk]) not in page
    assert client.post(reverse("qa:wrap-up-words", args=[row.pk]), {"keep": "x"}).status_code == 403
