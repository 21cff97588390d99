"""What customers complain of again and again becomes a complaint risk of the campaign, to be cleared before its next trial call."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max
from django.utils.translation import gettext as _, override

from campaigns.models import Campaign
from qa.models import Complaint, ComplaintCategory, ComplaintRisk
from qa.services import risks
from scripts.models import Article, ScriptVersion

# One may be a bad day and two a coincidence; a third of the same category and cause within a month is none.
REPEATS = 3
WITHIN = timedelta(days=30)
Cause = Complaint.Cause


def repeated(at: datetime) -> list[dict[str, Any]]:
    """Campaign, category and cause (of scripts the version, of knowledge the article) with enough complaints in the last month."""
    rows = Complaint.objects.filter(received_at__gt=at - WITHIN, received_at__lte=at).exclude(campaign_id=None)
    found: list[dict[str, Any]] = []
    for cause in Cause.values:
        if cause == Cause.UNFOUNDED:
            continue
        kind = {Cause.SCRIPT: ["script_version_id"], Cause.ARTICLE: ["cause_article_id"]}.get(Cause(cause), [])
        groups = rows.filter(cause=cause).order_by().values("campaign_id", "category_id", "cause", *kind)
        found += groups.annotate(n=Count("pk"), last=Max("received_at")).filter(n__gte=REPEATS)
    return sorted(found, key=lambda row: (row["campaign_id"], row["category_id"], row["cause"]))


@transaction.atomic
def note_repeated(*, row: dict[str, Any], at: datetime) -> ComplaintRisk | None:
    """The risk of one of repeated(), listed once: while it is open it stays the same. Once somebody cleared it, only complaints received
    after that count again. None: the campaign is closed, or what repeats was cleared."""
    campaign = Campaign.objects.select_for_update().get(pk=row["campaign_id"])
    if campaign.stage == Campaign.Stage.CLOSED:
        return None
    # stored words are one and the same, whoever reads them and whatever the job's language
    with override(settings.LANGUAGE_CODE):
        words, where = _words(row), _where(row)
    cleared = ComplaintRisk.objects.filter(campaign=campaign, words=words).aggregate(at=Max("cleared_at"))["at"]
    if cleared and _since(row, cleared, at) < REPEATS:
        return None
    return risks.add(campaign=campaign, words=words, cause=where, at=at)


def _since(row: dict[str, Any], cleared: datetime, at: datetime) -> int:
    same = {name: value for name, value in row.items() if name not in ("n", "last")}
    return Complaint.objects.filter(received_at__gt=max(cleared, at - WITHIN), received_at__lte=at, **same).count()


def _words(row: dict[str, Any]) -> str:
    category = ComplaintCategory.objects.get(pk=row["category_id"])
    return _("Complaints repeat: %(category)s – %(cause)s") % {"category": category, "cause": _cause(row)}


def _cause(row: dict[str, Any]) -> str:
    label = str(Cause(row["cause"]).label)
    if "cause_article_id" in row:
        return f"{label}: {Article.objects.get(pk=row['cause_article_id']).title}"
    if row.get("script_version_id") is None:
        return label
    version = ScriptVersion.objects.filter(pk=row["script_version_id"]).select_related("script").first()
    return f"{label}: {version}" if version else label


def _where(row: dict[str, Any]) -> str:
    return _("%(count)s complaints within %(days)s days") % {"count": row["n"], "days": WITHIN.days}
