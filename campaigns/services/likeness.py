"""Verbs of likeness: train, switch on and off, protect an attribute. Off by default; one switch per campaign."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils.translation import gettext as _

from campaigns.likeness import judging
from campaigns.models import Campaign, LikenessModel, LikenessUse, ProtectedAttribute
from campaigns.services import likeness_data
from core.audit import audit
from core.errors import DomainError
from core.jobs import Run, enqueue
from core.models import Job
from people.models import User

TRAIN = "campaigns.train_likeness"
RANK = "campaigns.rank_leads"
Refusal = LikenessModel.Refusal


class AlreadyTraining(DomainError):
    """The campaign is being trained on at this moment."""


class NotUsable(DomainError):
    """The model was refused, belongs to another campaign, or uses what is protected by now."""


class NothingToProtect(DomainError):
    """A protected attribute needs a name and a reason."""


# -- training ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def train_likeness(*, campaign: Campaign, scope: str, by: User, at: datetime) -> Job:
    """Ask for a training in the background; its end is a row of LikenessModel, usable or refused. Raises AlreadyTraining."""
    _lock(campaign.pk, shared=False)
    if training_of(campaign.pk) is not None:
        raise AlreadyTraining(_("The training is under way; wait for its end."))
    job = enqueue(
        kind=TRAIN, key=f"{campaign.pk}-{at.timestamp():.6f}", args={"campaign_id": campaign.pk, "scope": scope, "by_id": by.pk},
        city_id=campaign.city_id, by=by,
    )  # fmt: skip
    audit("campaigns.likeness.training_asked", campaign, by=by, at=at, scope=scope)
    return job


def training_of(campaign_id: int) -> Job | None:
    """The campaign's training that is waiting or under way."""
    return Job.objects.filter(kind=TRAIN, args__campaign_id=campaign_id, state__in=Job.OPEN_STATES).first()


def train(run: Run) -> dict[str, Any]:
    """The job: read, learn, judge on later calls, store. Everything before the last step only reads."""
    campaign = Campaign.objects.get(pk=run.args["campaign_id"])
    protected = likeness_data.protected_names()
    found = likeness_data.finished_leads(campaign=campaign, scope=run.args["scope"], protected=protected)
    bought = np.array(found.bought, dtype=bool)
    report: dict[str, Any] = {"changed": found.changed, "entered_later": found.entered_later}
    refusal = _too_few(bought)
    judged = None
    if not refusal:
        judged = judging.judge(found.people, bought, found.days, progress=run.progress)
        report |= judged.report | {"first": min(found.days).isoformat(), "last": max(found.days).isoformat()}
        refusal = _not_worth(judged)
    usable = judged if judged is not None and not refusal else None
    with run.chunk():
        model, _new = LikenessModel.objects.get_or_create(
            job_id=run.job.pk,
            defaults={
                "campaign": campaign, "scope": run.args["scope"], "product_id": campaign.product_id, "city_id": campaign.city_id,
                "trained_at": run.now(), "trained_by_id": run.args["by_id"], "rows": len(bought), "buyers": int(bought.sum()),
                "refusal": refusal, "report": report, "protected": protected,
                "weights": usable.weights.as_json() if usable else [], "cuts": usable.cuts if usable else [],
            },
        )  # fmt: skip
    return {"model": model.pk, "rows": model.rows, "buyers": model.buyers, "refusal": model.refusal}


def _too_few(bought: np.ndarray) -> str:
    if len(bought) < judging.LEAST_ROWS:
        return Refusal.FEW_ROWS
    return Refusal.FEW_BUYERS if bought.sum() < judging.LEAST_BUYERS else Refusal.NONE


def _not_worth(judged: judging.Judged) -> str:
    if not judged.weights.features:
        return Refusal.NOTHING_KNOWN
    within = judged.report["within"]
    if within is None:
        return Refusal.NO_LATER
    return Refusal.NONE if within["low"] > 0.5 else Refusal.CHANCE


# -- the switch --------------------------------------------------------------------------------------------------------


def _lock(campaign_id: int, *, shared: bool) -> None:
    """Who orders leads (shared) never works while the switch is turned."""
    verb = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {verb}(hashtext('campaigns.likeness'), %s::int)", [campaign_id])


def _lock_protected(*, shared: bool) -> None:
    """Nothing is switched on while an attribute is being protected: one of the two sees the other. Before the campaign's own lock."""
    verb = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {verb}(hashtext('campaigns.protected'))")


def use_of(campaign_id: int) -> LikenessUse | None:
    """By what the campaign orders its leads now; None: by the lists' priorities alone."""
    uses = LikenessUse.objects.select_related("model", "on_by")
    return uses.filter(campaign=campaign_id, off_at=None).first()


def use_while_ordering(campaign_id: int) -> LikenessUse | None:
    """The same, and it stays so until the transaction ends."""
    _lock(campaign_id, shared=True)
    return use_of(campaign_id)


@transaction.atomic
def switch_on(*, campaign: Campaign, model: LikenessModel, reason: str = "", by: User, at: datetime) -> LikenessUse:
    """Order the campaign's waiting leads by this model, within the priorities of their lists; a job does it. Raises NotUsable.

    The model in use already changes nothing; another one takes its place.
    """
    _lock_protected(shared=True)
    _lock(campaign.pk, shared=False)
    _must_be_usable(campaign, model)
    use = use_of(campaign.pk)
    if use is not None and use.model_id == model.pk:
        return use
    if use is not None:
        _end(use, by=by, at=at)
    use = LikenessUse.objects.create(campaign=campaign, model=model, on_by=by, on_at=at)
    _order_anew(campaign, f"on-{use.pk}", by)
    audit("campaigns.likeness.switched_on", campaign, by=by, at=at, model=model.pk, reason=reason)
    return use


@transaction.atomic
def switch_off(*, campaign: Campaign, reason: str = "", by: User, at: datetime) -> None:
    """Put every lead back to the priority of its list, exactly; a job does it. What is off stays off."""
    _lock(campaign.pk, shared=False)
    use = use_of(campaign.pk)
    if use is None:
        return
    _end(use, by=by, at=at)
    _order_anew(campaign, f"off-{use.pk}", by)
    audit("campaigns.likeness.switched_off", campaign, by=by, at=at, model=use.model_id, reason=reason)


def _must_be_usable(campaign: Campaign, model: LikenessModel) -> None:
    if model.campaign_id != campaign.pk or not model.is_usable:
        raise NotUsable(_("This training was refused and cannot order anybody's leads."))
    if uses_any_of(model, likeness_data.protected_names()):
        raise NotUsable(_("This training used an attribute that is protected by now. Train again."))


def uses_any_of(model: LikenessModel, protected: list[str]) -> bool:
    return any(likeness_data.is_protected(one["name"], protected) for one in model.weights)


def _end(use: LikenessUse, *, by: User, at: datetime) -> None:
    use.off_by, use.off_at = by, at
    use.save(update_fields=["off_by", "off_at"])


def _order_anew(campaign: Campaign, key: str, by: User) -> None:
    enqueue(kind=RANK, key=key, args={"campaign_id": campaign.pk}, city_id=campaign.city_id, by=by)


# -- protected attributes ----------------------------------------------------------------------------------------------


@transaction.atomic
def protect_attribute(*, name: str, reason: str, by: User, at: datetime) -> ProtectedAttribute:
    """Never use this attribute again: campaigns that go by a training with it are switched off at once. The same name again changes nothing."""
    name, reason = likeness_data.folded(name), reason.strip()
    if not name or not reason:
        raise NothingToProtect(_("Name the attribute as it stands on the lists, and say why it is protected."))
    _lock_protected(shared=False)
    row, is_new = ProtectedAttribute.objects.get_or_create(name=name, defaults={"reason": reason, "by": by, "at": at})
    if not is_new:
        return row
    audit("campaigns.attribute.protected", row, by=by, at=at, name=name, reason=reason)
    for use in LikenessUse.objects.filter(off_at=None).select_related("model", "campaign").order_by("campaign"):
        if uses_any_of(use.model, [name]):
            switch_off(campaign=use.campaign, reason=reason, by=by, at=at)
    return row


@transaction.atomic
def release_attribute(*, attribute: ProtectedAttribute, by: User, at: datetime) -> None:
    """Let later trainings use it again."""
    audit("campaigns.attribute.released", attribute, by=by, at=at, name=attribute.name)
    attribute.delete()
