from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.access import sees_everything


class PrivateFileQuerySet(models.QuerySet["PrivateFile"]):
    def visible_to(self, user: Any) -> PrivateFileQuerySet:
        """Own files; administrators all. Whether the bytes may be had is asked of the kind's own rule."""
        if sees_everything(user):
            return self
        return self.filter(owner_id=user.pk)

    def ready(self) -> PrivateFileQuerySet:
        return self.filter(ready_at__isnull=False, destroyed_at__isnull=True)

    def overdue(self, at: datetime) -> PrivateFileQuerySet:
        return self.filter(destroyed_at__isnull=True, keep_until__lte=at)


class PrivateFile(models.Model):
    """A file under a random name outside the web root. `ready_at` is written last, when the bytes are safe on the disk."""

    kind = models.CharField(_("kind"), max_length=60)
    name = models.CharField(_("name"), max_length=255)
    path = models.CharField(max_length=120, unique=True)
    content_type = models.CharField(max_length=120, default="application/octet-stream")
    size = models.BigIntegerField(_("size"), default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    owner_id = models.BigIntegerField(_("owner"), null=True, blank=True)
    owner_name = models.CharField(_("name of the owner"), max_length=150, blank=True, default="")
    city_id = models.IntegerField(_("city"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    ready_at = models.DateTimeField(_("ready at"), null=True, blank=True)
    keep_until = models.DateTimeField(_("kept until"))
    destroyed_at = models.DateTimeField(_("destroyed at"), null=True, blank=True)

    objects = PrivateFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("private file")
        verbose_name_plural = _("private files")
        indexes = [
            models.Index(
                fields=["keep_until"],
                name="file_overdue",
                condition=Q(destroyed_at__isnull=True),
            ),
            models.Index(fields=["sha256"], name="file_hash"),
        ]

    def __str__(self) -> str:
        return self.name
