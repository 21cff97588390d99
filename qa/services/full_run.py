"""Verbs of the first hours of a full run: prepare them, set limits, take the sheets of hours 2, 4 and 6, decide.

An hour is an hour of work: four quarters of the clock in which the campaign called. A night, a pause or a day's end between them does not count,
whatever the clocks do meanwhile.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from campaigns.models import Call, Campaign
from campaigns.services.planning import switch_campaign
from core.audit import audit
from core.errors import DomainError, PermissionRefused
from core.models import AuditEvent
from people.models import User
from qa import limits, rules
from qa.models import Evaluation, FullRun, FullRunLimit, FullRunSheet, QualityForm, Recording, ScoringTask
from qa.services import work

QUARTER = 900
LOOK_BACK = 8  # quarters: two hours of work
Verdict = FullRunSheet.Verdict
OVER = (Campaign.Stage.WRAP_UP, Campaign.Stage.CLOSED, Campaign.Stage.HISTORY)

QUARTERS = """
SELECT DISTINCT floor(extract(epoch FROM started_at) / 900)::bigint
  FROM campaigns_call
 WHERE campaign_id = %s AND direction = 'outbound' AND started_at >= %s AND started_at < %s
 ORDER BY 1"""
# Who was merged into another is that one, as in the rollups: two calls to them are one customer reached.
COUNTS = """
WITH RECURSIVE told AS (
    SELECT customer_id, connected, sale, complaint, mid_call
      FROM campaigns_call
     WHERE campaign_id = %s AND direction = 'outbound' AND started_at >= %s AND started_at < %s),
heirs (id, heir) AS (
    SELECT id, merged_into_id FROM customers_customer WHERE merged_into_id IS NOT NULL AND id IN (SELECT customer_id FROM told)
    UNION
    SELECT h.id, c.merged_into_id FROM heirs h JOIN customers_customer c ON c.id = h.heir WHERE c.merged_into_id IS NOT NULL),
now AS (SELECT h.id, h.heir FROM heirs h JOIN customers_customer c ON c.id = h.heir WHERE c.merged_into_id IS NULL),
calls AS (SELECT t.*, coalesce(n.heir, t.customer_id) AS person FROM told t LEFT JOIN now n ON n.id = t.customer_id)
SELECT count(*), count(*) FILTER (WHERE connected), count(DISTINCT person), count(DISTINCT person) FILTER (WHERE connected),
       count(DISTINCT person) FILTER (WHERE sale), count(DISTINCT person) FILTER (WHERE complaint),
       count(DISTINCT person) FILTER (WHERE mid_call)
  FROM calls"""
MEASURES = (
    "calls", "calls_connected", "customers_called", "customers_reached", "customers_won", "customers_complained", "customers_broke_off",
)  # fmt: skip


class NotPlanned(DomainError):
    """The campaign cannot be monitored (any more)."""


class LimitsStand(DomainError):
    """Limits do not change once the first monitoring hour has begun."""


class NotDecided(DomainError):
    """The decision cannot be kept as asked."""


@transaction.atomic
def prepare(
    *, campaign: Campaign, form: QualityForm, picks: int, shares: Mapping[str, float], by: User, at: datetime
) -> FullRun:
    """Have the first hours of the campaign's full run monitored, with the limits of `shares` (indicator to share of 1).
    Raises PermissionRefused, NotPlanned."""
    campaign = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
    _check_may(by, campaign)
    if campaign.stage in OVER:
        raise NotPlanned(_("The full run of this campaign is over."))
    if FullRun.objects.filter(campaign=campaign).exists():
        raise NotPlanned(_("The first hours of this campaign are prepared already."))
    run = FullRun.objects.create(campaign=campaign, form=form, picks=picks, prepared_by=by, prepared_at=at)
    audit("qa.full_run.prepared", run, by=by, at=at, campaign=campaign.pk, form=form.pk, picks=picks)
    return set_limits(run=run, shares=shares, by=by, at=at)


@transaction.atomic
def set_limits(*, run: FullRun, shares: Mapping[str, float], by: User, at: datetime) -> FullRun:
    """These limits, and no others. Raises PermissionRefused, LimitsStand."""
    run = FullRun.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=run.pk)
    _check_may(by, run.campaign)
    if run.began_at is not None:
        raise LimitsStand(_("The first monitoring hour has begun; limits do not change any more."))
    run.limits.all().delete()
    FullRunLimit.objects.bulk_create(
        FullRunLimit(run=run, indicator=key, side=limits.SIDES[key], share=share) for key, share in shares.items()
    )
    audit("qa.full_run.limits_set", run, by=by, at=at, shares=dict(shares))
    return run


def _check_may(by: User, campaign: Campaign) -> None:
    if not rules.can_watch_run(by, campaign):
        raise PermissionRefused(_("This campaign is not yours to monitor."))


def watched() -> list[int]:
    """The monitorings that are not through yet, of campaigns in full run."""
    rows = FullRun.objects.filter(campaign__stage=Campaign.Stage.RUNNING)
    return list(rows.exclude(sheets__hour=FullRun.HOURS[-1]).order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def watch(*, run_id: int, at: datetime) -> int:
    """Count the quarters worked by `at` and take each sheet that is due; returns how many. Run twice it takes none twice."""
    run = FullRun.objects.select_for_update(of=("self",)).select_related("campaign", "form").get(pk=run_id)
    if run.began_at is None:
        run.began_at = run.counted_until = began(run, at)
    until = max(_moment(int(at.timestamp()) // QUARTER), run.counted_until or at)
    made = 0
    run.quarters = sorted({*run.quarters, *_quarters(run, until)})[: 4 * FullRun.HOURS[-1]]
    taken = set(run.sheets.values_list("hour", flat=True))
    for hour in FullRun.HOURS:
        if len(run.quarters) >= 4 * hour and hour not in taken:
            made += _take(run, hour, at)
    run.counted_until = until
    run.save(update_fields=["began_at", "counted_until", "quarters"])
    return made


def began(run: FullRun, at: datetime) -> datetime:
    """When the campaign entered its full run; when it was prepared, if that came later."""
    entered = AuditEvent.objects.about(run.campaign).filter(
        action="campaigns.campaign.stage_entered", refused=False, detail__stage=str(Campaign.Stage.RUNNING)
    )
    last = entered.order_by("-at").values_list("at", flat=True).first()
    return max(run.prepared_at, last) if last else at


def _moment(quarter: int) -> datetime:
    return datetime.fromtimestamp(quarter * QUARTER, UTC)


def _quarters(run: FullRun, until: datetime) -> list[int]:
    """Since it began, and not since it was last looked: calls of other dialers are stored late."""
    with connection.cursor() as cursor:
        cursor.execute(QUARTERS, [run.campaign_id, run.began_at, until])
        return [row[0] for row in cursor.fetchall()]


def _take(run: FullRun, hour: int, at: datetime) -> int:
    """The sheet of an hour, with its picks; 0 when it is there."""
    assert run.began_at is not None
    until = _moment(run.quarters[4 * hour - 1] + 1)
    since = max(run.began_at, _moment(run.quarters[4 * hour - LOOK_BACK]))
    so_far = count(run.campaign_id, run.began_at, until)
    judged = [limits.judge(limit, so_far) for limit in run.limits.order_by("pk")]
    figures = {"so_far": so_far, "last": count(run.campaign_id, since, until), "judged": judged}
    sheet, is_new = FullRunSheet.objects.get_or_create(run=run, hour=hour, defaults={
        "until": until, "since": since, "counted_at": at, "figures": figures, "by_limits": limits.verdict(judged),
    })  # fmt: skip
    if is_new:
        sheet.picked = _draw(run, sheet, at)
        sheet.save(update_fields=["picked"])
        audit(
            "qa.full_run.sheet_taken", sheet, by=None, at=at, hour=hour, says=str(sheet.by_limits), picked=sheet.picked
        )
    return int(is_new)


def count(campaign_id: int, since: datetime, until: datetime) -> dict[str, int]:
    """Measures of the registry over the campaign's outbound calls from `since` until `until`, and the calls scored of them."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, [campaign_id, since, until])
        found = dict(zip(MEASURES, cursor.fetchone(), strict=True))
    scored = Evaluation.objects.submitted().filter(
        campaign_id=campaign_id, call_started_at__gte=since, call_started_at__lt=until
    )
    scored = scored.at_random().exclude(outcome="")
    return {**found, "calls_scored": scored.count(), "calls_passed": scored.filter(outcome="pass").count()}


def _draw(run: FullRun, sheet: FullRunSheet, at: datetime) -> int:
    """Recordings of the last two hours at random, each with the same chance; returns how many calls were given to be scored. They are for the
    sheets: a published score is made of what plans draw (Evaluation.PUBLISHED_PICKS says why)."""
    heard = Recording.objects.kept().filter(
        campaign_id=run.campaign_id, call_started_at__gte=sheet.since, call_started_at__lt=sheet.until,
        sound__state__in=("checked", "ready"),
    )  # fmt: skip
    found = sorted(set(heard.values_list("call_id", "call_started_at")))
    drawn = random.SystemRandom().sample(found, min(run.picks, len(found)))
    for call_id, started_at in drawn:
        call = Call.objects.get(pk=call_id, started_at=started_at)
        work.give(
            call=call, form=run.form, pick=Evaluation.Pick.FIRST_HOURS, source=ScoringTask.Source.FULL_RUN, at=at,
            probability=len(drawn) / len(found), source_id=sheet.pk, due_at=at + timedelta(hours=1),
        )  # fmt: skip
    return len(drawn)


@transaction.atomic
def decide(*, sheet: FullRunSheet, decision: str, reason: str, by: User, at: datetime) -> FullRunSheet:
    """Proceed, hold (the campaign stops calling), or wait for more calls; against the limits only with a reason, and once.
    Raises PermissionRefused, NotDecided."""
    sheet = FullRunSheet.objects.select_for_update(of=("self",)).select_related("run__campaign").get(pk=sheet.pk)
    _check_may(by, sheet.run.campaign)
    if sheet.decision:
        raise NotDecided(_("This hour is decided already."))
    if decision != sheet.by_limits and not reason.strip():
        raise NotDecided(_("Say why you decide other than the limits say; it stays with the sheet."))
    sheet.decision, sheet.reason, sheet.decided_by, sheet.decided_at = decision, reason.strip(), by, at
    sheet.save(update_fields=["decision", "reason", "decided_by", "decided_at"])
    audit("qa.full_run.decided", sheet, by=by, at=at, hour=sheet.hour, decision=decision, reason=sheet.reason)
    if decision == Verdict.HOLD and sheet.run.campaign.is_on:
        why = sheet.reason or _("Held at hour %(hour)s of the full run.") % {"hour": sheet.hour}
        switch_campaign(campaign=sheet.run.campaign, is_on=False, reason=why, by=by, at=at)
    return sheet


def as_shown(sheet: FullRunSheet) -> dict[str, Any]:
    """What a page shows of a sheet: nothing of it is counted again."""
    return {
        "sheet": sheet,
        "judged": [limits.in_words(line) for line in sheet.figures["judged"]],
        **sheet.figures["so_far"],
    }
