"""How often somebody asked for a number today: exact search is an oracle, and a number shown cannot be taken back."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from people.models import User


class NumberUse(models.Model):
    """A person's count of one kind of use on one day of the region."""

    class Kind(models.TextChoices):
        SEARCH = "search", _("Search by exact number")
        REVEAL = "reveal", _("Number shown in full")

    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("user"))
    day = models.DateField(_("day"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    count = models.PositiveIntegerField(_("times"), default=0)

    class Meta:
        verbose_name = _("use of numbers")
        constraints = [models.UniqueConstraint(fields=["user", "day", "kind"], name="number_use_once_a_day")]
