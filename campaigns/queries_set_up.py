"""What is set up before anybody calls, as the desk asks for it with every customer: campaigns, results, products, scenarios. Kept in memory
by whoever looks (core.kept): nobody changes what these give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from campaigns.models import Campaign, Disposition, Experiment, RetryRule
from core import kept
from customers.models import Source
from people.models import City
from scripts.models import Offer, Product, Scenario, ScriptQuestion, ScriptStep


@kept.by("campaigns", "scripts")
def campaign(campaign_id: int) -> Campaign:
    """With product, offer and version of the script."""
    return Campaign.objects.select_related("product", "offer", "script_version").get(pk=campaign_id)


@kept.by("people")
def city(city_id: int) -> City:
    """With its time zone."""
    return City.objects.select_related("zone").get(pk=city_id)


@kept.by("sources")
def source(source_id: int | None) -> Source | None:
    return Source.objects.filter(pk=source_id).first() if source_id else None


@kept.by("campaigns")
def campaign_names() -> Mapping[int, str]:
    return dict(Campaign.objects.values_list("pk", "name"))


@kept.by("campaigns")
def has_tried(campaign_id: int) -> bool:
    """Whether the campaign has, or ever had, an experiment that began."""
    return Experiment.objects.filter(campaign=campaign_id, started_at__isnull=False).exists()


@kept.by("campaigns")
def results(campaign_id: int) -> tuple[Disposition, ...]:
    """What an agent may choose there, in the order of the panel."""
    return tuple(Disposition.objects.for_campaign(campaign_id).select_related("maps_to"))


@kept.by("campaigns")
def all_results() -> Mapping[int, Disposition]:
    """By id, those out of use as well: history names them."""
    return Disposition.objects.in_bulk()


@kept.by("campaigns")
def retry_rules(campaign_id: int) -> tuple[RetryRule, ...]:
    return tuple(RetryRule.objects.filter(campaign=campaign_id))


@kept.by("scripts")
def steps(version_id: int) -> Mapping[int, ScriptStep]:
    """By id, in their order."""
    rows = ScriptStep.objects.filter(version=version_id).order_by("position")
    return {row.pk: row for row in rows.only("pk", "part", "position", "title")}


@kept.by("scripts")
def questions(version_id: int) -> Mapping[int, ScriptQuestion]:
    return {row.pk: row for row in ScriptQuestion.objects.filter(step__version=version_id).order_by("pk")}


@kept.by("scripts")
def products_to_sell(day: date) -> tuple[tuple[Product, ...], tuple[Offer, ...]]:
    """Products that may be sold, by name, and their offers of the day."""
    products = tuple(sorted(Product.objects.filter(is_on=True), key=lambda product: product.name))
    return products, tuple(Offer.objects.valid_on(day).filter(product__in=products).order_by("name"))


@kept.by("scripts")
def scenarios(product_id: int) -> tuple[Scenario, ...]:
    """Those of a product that are tried or in use."""
    statuses = [Scenario.Status.PILOT, Scenario.Status.IN_USE]
    return tuple(Scenario.objects.filter(product=product_id, status__in=statuses).order_by("pk"))
