"""What was done, by whom, and the seals that show whether a row was changed or taken out later."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.access import sees_everything


class AuditQuerySet(models.QuerySet["AuditEvent"]):
    def visible_to(self, user: Any) -> AuditQuerySet:
        """Only administrators read the trail."""
        return self if sees_everything(user) else self.none()

    def about(self, subject: models.Model) -> AuditQuerySet:
        return self.filter(subject_type=subject._meta.label_lower, subject_id=str(subject.pk))

    def before(self, at: datetime) -> AuditQuerySet:
        return self.filter(at__lt=at)


class AuditEvent(models.Model):
    """One thing that was done or refused. Append only: triggers refuse update, delete and truncate."""

    at = models.DateTimeField(_("time"))
    action = models.CharField(_("action"), max_length=100)
    actor_id = models.BigIntegerField(_("actor number"), null=True, blank=True)
    actor_name = models.CharField(_("who"), max_length=150, blank=True, default="")
    subject_type = models.CharField(_("kind of subject"), max_length=100, blank=True, default="")
    subject_id = models.CharField(_("subject"), max_length=64, blank=True, default="")
    city_id = models.IntegerField(_("city"), null=True, blank=True)
    refused = models.BooleanField(_("refused"), default=False)
    detail = models.JSONField(_("detail"), default=dict, blank=True, encoder=DjangoJSONEncoder)
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit trail")
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_newest"),
            models.Index(fields=["subject_type", "subject_id", "-at"], name="audit_subject"),
            models.Index(fields=["actor_id", "-at"], name="audit_actor"),
            models.Index(fields=["action", "-at"], name="audit_action"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_type} {self.subject_id}".strip()


class AuditSeal(models.Model):
    """A batch of events bound to all batches before it. The ids are named one by one, since ids may commit late."""

    seq = models.BigIntegerField(primary_key=True)
    event_ids = ArrayField(models.BigIntegerField())
    last_id = models.BigIntegerField()
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")

    def __str__(self) -> str:
        return f"{self.seq}"
