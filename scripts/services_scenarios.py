"""Verbs on scenarios: written, tried, used, dropped."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from customers.conditions import parse
from people.models import User
from scripts.models import Scenario
from scripts.seen import lock_as_seen
from scripts.services_objections import check_words
from scripts.staying import keep_wording, locked, must_stay

PROPOSED = (Scenario.Status.PILOT, Scenario.Status.IN_USE)
# What agents see of it on the desk.
SHOWN = ("product_id", "name", "moment", "picture", "lines", "sms_text")

FORM_FIELDS = ("name", "product", "moment", "picture", "lines", "sms_text", "article")
SCENARIO_FIELDS = (*FORM_FIELDS, "conditions")


class NameTaken(DomainError):
    """A product's scenarios have different names."""


@transaction.atomic
def save_scenario(*, scenario: Scenario, by: User, at: datetime, seen: str | None = None) -> Scenario:
    """Store a new or changed scenario. `seen`: what it read when the writer opened it.

    Raises NameTaken, ProhibitedWords, WrittenMeanwhile, MustStay, BadConditions (what is wrong with its conditions, and where).
    """
    keep_wording(scenario, SHOWN, by)
    if scenario.conditions:
        parse(scenario.conditions, user=by)
    check_words(said_in(scenario))
    if scenario.pk is None:
        scenario.written_by, scenario.written_at = by, at
    else:
        lock_as_seen(scenario, SCENARIO_FIELDS, seen, deed="scripts.scenario.saved")
    try:
        with transaction.atomic():
            scenario.save(update_fields=SCENARIO_FIELDS if scenario.pk else None)
    except IntegrityError as error:
        if "scenario_name_per_product" not in str(error):
            raise
        raise NameTaken(_("This product has a scenario of that name already.")) from None
    audit("scripts.scenario.saved", scenario, by=by, at=at)
    return scenario


@transaction.atomic
def set_scenario_status(*, scenario: Scenario, status: str, by: User, at: datetime) -> Scenario:
    """Draft, being tried, in use (both are proposed on the desk), dropped. So already: nothing happens. Raises MustStay, and ProhibitedWords:
    since it was written another word may have become one."""
    scenario = locked(scenario)
    if scenario.status == status:
        return scenario
    if status in PROPOSED:
        check_words(said_in(scenario))
    else:
        must_stay(scenario, by)
    scenario.status = status
    scenario.save(update_fields=["status"])
    audit("scripts.scenario.moved", scenario, by=by, at=at, status=str(status))
    return scenario


def said_in(scenario: Scenario) -> str:
    """What the customer hears or reads of it."""
    return "\n".join([scenario.picture, scenario.lines, scenario.sms_text])
