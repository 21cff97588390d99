"""The funnel in words, the same on the campaign's page, the floor and the desk."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.funnel import classes
from campaigns.funnel.counting import Funnel
from core.templatetags.look import thousands

MOST = 3
# What may hold back a lead that is not finished.
IN_THE_WAY = [name for name in classes.WORDS if name not in (classes.CALLABLE, *classes.FINISHED)]


def day_and_time(moment: datetime, now: datetime) -> str:
    """15:55 today, 11-23 15:55 on another day."""
    local = timezone.localtime(moment)
    return f"{local:%H:%M}" if local.date() == timezone.localtime(now).date() else f"{local:%m-%d %H:%M}"


def first_free(funnel: Funnel, name: str) -> str:
    free = funnel.frees.get(name)
    return "" if free is None else day_and_time(free, funnel.at)


def next_time(funnel: Funnel, name: str) -> str:
    free = first_free(funnel, name)
    return _("next %(time)s") % {"time": free} if free else ""


def why_none(funnel: Funnel) -> str:
    """What holds back most leads, with the time when the first of them comes free: "Cooling down: 3,000 (next 15:55). Cap reached: 12." """
    largest = sorted((name for name in IN_THE_WAY if funnel.counts[name]), key=lambda name: -funnel.counts[name])
    return " ".join(_told(funnel, name) for name in largest[:MOST])


def _told(funnel: Funnel, name: str) -> str:
    told = {"label": classes.WORDS[name], "leads": thousands(funnel.counts[name]), "next": next_time(funnel, name)}
    return (_("%(label)s: %(leads)s (%(next)s).") if told["next"] else _("%(label)s: %(leads)s.")) % told


def either(*names: str) -> str:
    """Classes that one count holds together: "Cooling down / Cap reached"."""
    return " / ".join(str(classes.WORDS[name]) for name in names)
