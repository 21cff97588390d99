"""Experiments for tests: a floor that calls, with an experiment of two script versions running in its campaign."""

from __future__ import annotations

from datetime import timedelta

from campaigns.models import Campaign, Experiment
from campaigns.services import experiments
from campaigns.services.experiments import ArmPlan
from campaigns.tests.factories import AT, person
from people.models import User
from scripts.models import Product, Scenario, ScriptVersion
from scripts.tests.factories import OfferFactory, ScriptFactory, ScriptVersionFactory, live_version


def versions(product: Product, count: int = 2) -> list[ScriptVersion]:
    """One in force, and others of the same script that are approved."""
    script = ScriptFactory(product=product)
    found = [live_version(script)]
    for _number in range(count - 1):
        found.append(ScriptVersionFactory(script=script, six_parts=True, status="approved"))
    return found


def things(kind: str, campaign: Campaign, count: int = 2) -> list:
    if kind == "script":
        return versions(campaign.product, count)
    if kind == "offer":
        return [OfferFactory(product=campaign.product, price_cents=100 * n) for n in range(1, count + 1)]
    writer = person("campaign_manager")
    return [
        Scenario.objects.create(name=f"S{n}", picture="p", product=campaign.product, written_by=writer, status="pilot")
        for n in range(count)
    ]


def draft(
    campaign: Campaign, by: User | None = None, shares=(50, 50), kind="script", arms=None, **fields
) -> Experiment:
    """Two arms, 5.00 percent as it is, 1 point worth having, three looks of 100 persons an arm in all, unless told."""
    usual = {"name": "E", "usual_percent": 5, "smallest_points": 1, "looks": 3, "per_arm": 300}
    chosen = arms or things(kind, campaign, len(shares))
    return experiments.save_experiment(
        experiment=Experiment(campaign=campaign, kind=kind, **{**usual, **fields}),
        arms=[ArmPlan(thing, share) for thing, share in zip(chosen, shares, strict=True)],
        by=by or person("campaign_manager"),
        at=AT,
    )


def running(campaign: Campaign, by: User | None = None, **fields) -> Experiment:
    by = by or person("campaign_manager")
    # before the holds that tests begin at AT: a hold keeps the wording with which it began
    started_at = fields.pop("started_at", AT - timedelta(hours=1))
    return experiments.start_experiment(experiment=draft(campaign, by, **fields), by=by, at=started_at)
