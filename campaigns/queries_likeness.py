"""Reads for the pages of likeness."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from campaigns.models import Campaign, Lead, LikenessModel, LikenessUse
from core.models import Job
from people.models import User

FIRST = 50


@dataclass(frozen=True)
class Likeness:
    """Where a campaign stands: by what it goes now, the newest training that the user may see, and the jobs under way."""

    use: LikenessUse | None
    newest: LikenessModel | None
    training: Job | None
    ordering: Job | None

    @property
    def is_newest_in_use(self) -> bool:
        return self.use is not None and self.newest is not None and self.use.model_id == self.newest.pk


def likeness_of(campaign: Campaign, user: User) -> Likeness:
    models = LikenessModel.objects.visible_to(user).filter(campaign=campaign).select_related("trained_by", "product")
    jobs = Job.objects.filter(args__campaign_id=campaign.pk, state__in=Job.OPEN_STATES).order_by("pk")
    return Likeness(
        use=campaign.likeness_uses.filter(off_at=None).select_related("model", "on_by").first(),
        newest=models.order_by("-trained_at", "-pk").first(),
        training=jobs.filter(kind="campaigns.train_likeness").first(),
        ordering=jobs.filter(kind="campaigns.rank_leads").first(),
    )


def first_leads(campaign: Campaign, user: User, at: datetime) -> QuerySet[Lead]:
    """Those ready at `at` whom the claim meets first, of the user's cities."""
    seen = Lead.objects.visible_to(user).filter(campaign=campaign, state=Lead.State.OPEN, ready_at__lte=at)
    return seen.select_related("customer", "city").order_by("-priority", "ready_at", "pk")[:FIRST]
