"""Verbs of the hourly bulletin: compose it (by the machine at the hour, or by hand), edit, send, see; and note words for it while listening."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from campaigns.models import Call, Campaign, CampaignTeam
from core.audit import audit
from core.calendar import business_date, day_bounds
from core.errors import DomainError, PermissionRefused
from core.locks import one_at_a_time
from core.phones import SHORTEST
from metrics import registry
from metrics.floor.drill import counts_of
from metrics.floor.today import Work, read_today
from people.models import User
from qa import rules, scoring
from qa.earning import earned, to_tenths
from qa.models import Bulletin, BulletinSeen, Evaluation, EvaluationAnswer, FullRun, Recording, Suggestion
from qa.services.full_run import OVER
from qa.services.listening import check_open
from qa.services.notes import check_span
from scripts.models import Phrase

INDICATORS = ("success_rate", "contact_rate")
MOST_ERRORS = 5
MOST_SUGGESTIONS = 20
IN_CHINESE = str.maketrans("零〇○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "0001234567891123456789")
BETWEEN = " -_.()/\t\n\u2010\u2011\u2013\u2014\u00b7\u200b"


class BulletinStands(DomainError):
    """A bulletin that was sent, or whose day is over, does not change and is not sent."""


class NotComposed(DomainError):
    """There is no bulletin of this campaign (any more)."""


class HoldsPersonalData(DomainError):
    """Something that looks like a number of a person, or an address, stands in words that all the floor reads."""


# -- compose -----------------------------------------------------------------------------------------------------------


def due(at: datetime) -> list[int]:
    """Campaigns in the first day of a full run that is monitored, that called in the last hour and have no bulletin of this one."""
    start, end = day_bounds(business_date(at))
    hour = hour_of(at)
    runs = FullRun.objects.filter(campaign__stage=Campaign.Stage.RUNNING, began_at__gte=start, began_at__lt=end)
    written = Bulletin.objects.filter(hour=hour).values("campaign")
    found = runs.filter(began_at__lt=hour).exclude(campaign__in=written).order_by("pk")
    return [pk for pk in found.values_list("campaign_id", flat=True) if _called(pk, hour)]


def hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _called(campaign_id: int, hour: datetime) -> bool:
    rows = Call.objects.filter(campaign_id=campaign_id, started_at__gte=hour - timedelta(hours=1), started_at__lt=hour)
    return rows.filter(direction=Call.Direction.OUTBOUND).exists()


@transaction.atomic
def compose(*, campaign: Campaign, by: User | None, at: datetime) -> Bulletin:
    """The bulletin of the hour of `at`: figures so far today, counted now and never anew. Composed twice, it is the first one.
    Raises PermissionRefused, NotComposed."""
    one_at_a_time("qa.bulletin", campaign.pk)
    campaign = Campaign.objects.get(pk=campaign.pk)
    if by is not None:
        _check_may(by, campaign)
    if campaign.stage in OVER:
        raise NotComposed(_("The full run of this campaign is over."))
    hour = hour_of(at)
    there = Bulletin.objects.filter(campaign=campaign, hour=hour).first()
    if there is not None:
        return there
    fresh = heard_today(campaign.pk, at).exclude(pk__in=_told_today(campaign, at))[:MOST_SUGGESTIONS]
    made = Bulletin.objects.create(
        campaign=campaign, hour=hour, composed_at=at, composed_by=by, figures=figures(campaign, at), suggestions=[_frozen(row) for row in fresh],
    )  # fmt: skip
    audit("qa.bulletin.composed", made, by=by, at=at, campaign=campaign.pk, hour=hour.isoformat())
    return made


def _check_may(by: User, campaign: Campaign) -> None:
    if not rules.can_write_bulletin(by, campaign):
        raise PermissionRefused(_("The bulletins of this campaign are not yours to write."))


def figures(campaign: Campaign, at: datetime) -> dict[str, Any]:
    """As the floor page shows the campaign with all its teams, with the common errors and the best phrase; as it is frozen."""
    day = business_date(at)
    teams = list(CampaignTeam.objects.filter(campaign=campaign, team__is_active=True).values_list("team_id", flat=True))
    today = read_today(day=day, teams=teams, shown=set(teams), agents=(), campaign_id=campaign.pk)
    counts = counts_of(Work.of(today.teams[team] for team in teams))
    return {
        "counts": counts,
        "hours": [[hour, today.hours[hour]] for hour in sorted(today.hours)],
        "indicators": [_indicator(key, counts) for key in INDICATORS],
        "errors": _errors(campaign.pk, day_bounds(day)),
        "scored": _scored(campaign.pk, day_bounds(day)).count(),
        "phrase": _phrase(campaign, at),
    }


def _indicator(key: str, counts: dict[str, int | None]) -> dict[str, Any]:
    found = registry.indicator(key)
    assert found is not None
    above, below = found.parts(counts) or (0, 0)
    return {"indicator": key, "version": found.version, "numerator": above, "denominator": below}


def _scored(campaign_id: int, bounds: tuple[datetime, datetime]) -> Any:
    start, end = bounds
    rows = Evaluation.objects.submitted().at_random()
    return rows.filter(campaign_id=campaign_id, call_started_at__gte=start, call_started_at__lt=end)


def _errors(campaign_id: int, bounds: tuple[datetime, datetime]) -> list[dict[str, Any]]:
    """Items answered most often against what is good, in the calls of the day that were drawn at random: how often, of how many answers."""
    answers = EvaluationAnswer.objects.filter(evaluation__in=_scored(campaign_id, bounds)).exclude(
        answer=scoring.NOT_APPLICABLE
    )
    counted = answers.values("item__text", "item__text_zh").annotate(n=Sum(1 - earned()), of=Count("pk"))
    worst = counted.filter(n__gt=0).order_by("-n", "of", "item__text")[:MOST_ERRORS]
    return [
        {"item": row["item__text"], "item_zh": row["item__text_zh"], "n": to_tenths(row["n"]), "of": row["of"]}
        for row in worst
    ]


def _phrase(campaign: Campaign, at: datetime) -> dict[str, Any] | None:
    """The best phrase of the product with the most votes that no bulletin of the day has told yet."""
    told = _of_day(campaign, at).exclude(figures__phrase=None).values_list("figures__phrase__id", flat=True)
    rows = Phrase.objects.filter(Q(product=campaign.product_id) | Q(product=None), retired_at=None)
    best = rows.exclude(pk__in=list(told)).annotate(votes_then=Count("votes")).order_by("-votes_then", "-added_at").first()  # fmt: skip
    return None if best is None else {"id": best.pk, "text": best.text, "part": best.part}


def _of_day(campaign: Campaign, at: datetime) -> Any:
    start, end = day_bounds(business_date(at))
    return Bulletin.objects.filter(campaign=campaign, hour__gte=start, hour__lt=end)


def _told_today(campaign: Campaign, at: datetime) -> set[int]:
    sent = _of_day(campaign, at).filter(sent_at__isnull=False).values_list("suggestions", flat=True)
    return {row["id"] for rows in sent for row in rows}


def heard_today(campaign_id: int, at: datetime) -> Any:
    """Words noted at calls of the campaign on the day of `at`, newest first."""
    start, end = day_bounds(business_date(at))
    rows = Suggestion.objects.filter(campaign=campaign_id, noted_at__gte=start, noted_at__lt=end)
    return rows.order_by("-noted_at", "-pk")


def _frozen(row: Suggestion) -> dict[str, Any]:
    return {"id": row.pk, "kind": row.kind, "words": row.words}


# -- edit, send, see ---------------------------------------------------------------------------------------------------


@transaction.atomic
def edit(*, bulletin: Bulletin, text: str, keep: Collection[int], by: User, at: datetime) -> Bulletin:
    """Give the draft its text, and of the words heard on its day those in `keep`. Raises PermissionRefused, BulletinStands, HoldsPersonalData."""
    bulletin = _draft(bulletin, by, at)
    check_impersonal(text)
    bulletin.text = text.strip()
    bulletin.suggestions = [_frozen(row) for row in heard_today(bulletin.campaign_id, bulletin.hour) if row.pk in keep]
    bulletin.save(update_fields=["text", "suggestions"])
    audit("qa.bulletin.edited", bulletin, by=by, at=at, suggestions=len(bulletin.suggestions))
    return bulletin


@transaction.atomic
def send(*, bulletin: Bulletin, by: User, at: datetime) -> Bulletin:
    """To the floor and the desks, once, on its day; it never changes afterwards. Raises PermissionRefused, BulletinStands."""
    bulletin = _draft(bulletin, by, at)
    bulletin.sent_at, bulletin.sent_by = at, by
    bulletin.save(update_fields=["sent_at", "sent_by"])
    audit("qa.bulletin.sent", bulletin, by=by, at=at)
    return bulletin


def _draft(bulletin: Bulletin, by: User, at: datetime) -> Bulletin:
    bulletin = Bulletin.objects.select_for_update(of=("self",)).select_related("campaign").get(pk=bulletin.pk)
    _check_may(by, bulletin.campaign)
    if bulletin.sent_at is not None:
        raise BulletinStands(_("This bulletin was sent; it does not change any more."))
    if business_date(bulletin.hour) != business_date(at):
        raise BulletinStands(_("The day of this bulletin is over; compose one of this hour."))
    return bulletin


@transaction.atomic
def see(*, bulletin: Bulletin, by: User, at: datetime) -> bool:
    """An agent of the campaign has read it; False when that was kept before. Raises PermissionRefused."""
    if not Bulletin.objects.for_agent(by, at).filter(pk=bulletin.pk).exists():
        raise PermissionRefused(_("This bulletin is for the agents of its campaign."))
    _row, is_new = BulletinSeen.objects.get_or_create(bulletin=bulletin, agent=by, defaults={"seen_at": at})
    return is_new


# -- words heard -------------------------------------------------------------------------------------------------------


@transaction.atomic
def suggest(*, recording: Recording, kind: str, words: str, at_ms: int, by: User, at: datetime) -> Suggestion:
    """Note words at a moment of a recording for the floor. Raises PermissionRefused, HoldsPersonalData, OutsideRecording, SoundGone,
    PersonLocked."""
    if not rules.can_suggest(by, recording):
        raise PermissionRefused(_("Words for the floor are noted by who listens for quality."))
    check_open(recording=recording)
    check_span(recording, at_ms, None)
    check_impersonal(words)
    made = Suggestion.objects.create(
        campaign_id=recording.campaign_id, recording=recording, kind=kind, words=words.strip(), at_ms=at_ms, noted_by=by, noted_at=at,
    )  # fmt: skip
    audit("qa.suggestion.noted", recording, by=by, at=at, suggestion=made.pk, kind=kind)
    return made


def check_impersonal(words: str) -> None:
    """Refuse what looks like a phone, card or identity number, in any digits and however it is spaced, and addresses of e-mail.
    Raises HoldsPersonalData."""
    plain = unicodedata.normalize("NFKC", words)
    if "@" in plain or _longest_number(plain) >= SHORTEST:
        raise HoldsPersonalData(
            _(
                "This looks like a number or an address of a person. All the floor reads these words: write them without."
            )
        )


def _longest_number(words: str) -> int:
    longest = run = 0
    for sign in words.translate(IN_CHINESE):
        if sign.isdigit():
            run += 1
            longest = max(longest, run)
        elif sign not in BETWEEN:
            run = 0
    return longest
