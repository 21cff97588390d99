"""Which key ring belongs to this database."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class RingCheck(models.Model):
    """A keyed hash that only the ring which seals here can make. One row; it says nothing about the keys."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    value = models.BinaryField(max_length=32)

    class Meta:
        verbose_name = _("check of the key file")
        constraints = [models.CheckConstraint(name="ring_check_only_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"{self.pk}"
