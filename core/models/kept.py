"""What has changed in the rooms whose rows pages keep in memory."""

from __future__ import annotations

from django.db import models


class RoomChange(models.Model):
    """One statement that changed a room, written by the trigger of its tables inside the change's own transaction; folded to one row per
    room now and then. Weights are drawn at random, so that the sums of two histories that differ differ."""

    room = models.CharField(max_length=20)
    weight = models.DecimalField(max_digits=40, decimal_places=0)

    class Meta:
        db_table = "core_change"
        verbose_name = "change of a room"
