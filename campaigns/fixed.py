"""The wording that a running experiment compares stays as it is until it stops: its result would judge two things otherwise."""

from __future__ import annotations

from django.utils.translation import gettext as _

from campaigns.models import Experiment, ExperimentArm
from people.models import User
from scripts.models import Offer
from scripts.staying import Thing, add_look_up


def compared(thing: Thing, by: User) -> str:
    """Names the experiment to those who may see it. An arm that was stopped shows nothing any more."""
    arms = ExperimentArm.objects.filter(experiment__state=Experiment.State.RUNNING, stopped_at=None)
    arms = arms.filter(offer=thing.pk) if isinstance(thing, Offer) else arms.filter(scenario=thing.pk)
    if not arms.exists():
        return ""
    seen = Experiment.objects.visible_to(by).filter(arms__in=arms).order_by("pk").first()
    if seen is None:
        return _("An experiment that you cannot see compares this at present. It must be stopped first.")
    return _("The experiment “%(experiment)s” compares this at present. Stop it first.") % {"experiment": seen.name}


add_look_up(compared)
