"""Objections with their answers, and phrases worth repeating: both grown from calls."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from .products import Product
from .scripts import ScriptStep


class Objection(models.Model):
    """What customers say against it. `search`: its words and their pinyin initials, so that two letters find it."""

    product = models.ForeignKey(
        Product,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="objections",
        verbose_name=_("product"),
        help_text=_("Empty: of every product."),
    )
    text = models.CharField(_("what the customer says"), max_length=200)
    reason = models.CharField(_("reason of refusal it belongs to"), max_length=120, blank=True, default="")
    search = models.CharField(max_length=500, blank=True, default="")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("written by"), db_index=False
    )
    created_at = models.DateTimeField(_("written"), db_default=Now())
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    class Meta:
        verbose_name = _("objection")

    def __str__(self) -> str:
        return self.text


class ObjectionAnswer(models.Model):
    """One wording of an answer. `call_id` and `second`: the recording and the moment it comes from."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_USE = "in_use", _("In use")
        DROPPED = "dropped", _("Dropped")

    objection = models.ForeignKey(Objection, models.PROTECT, related_name="answers", verbose_name=_("objection"))
    text = models.TextField(_("answer"), max_length=2000)
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.DRAFT)
    call_id = models.BigIntegerField(_("from call"), null=True, blank=True)
    second = models.PositiveIntegerField(_("second of the recording"), null=True, blank=True)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("written by"), db_index=False
    )
    written_at = models.DateTimeField(_("written"), db_default=Now())

    class Meta:
        verbose_name = _("answer to an objection")
        constraints = [
            models.CheckConstraint(
                name="objection_answer_moment_has_call", condition=Q(second=None) | Q(call_id__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return self.text[:60]


class Phrase(models.Model):
    """A best phrase (domain: 亮点话术), with the call and the moment it was said at; voted on, and retired when it has had its time."""

    product = models.ForeignKey(
        Product, models.PROTECT, null=True, blank=True, related_name="phrases", verbose_name=_("product")
    )
    part = models.CharField(_("part"), max_length=16, choices=ScriptStep.Part.choices, blank=True, default="")
    text = models.TextField(_("phrase"), max_length=1000)
    call_id = models.BigIntegerField(_("from call"), null=True, blank=True)
    second = models.PositiveIntegerField(_("second of the recording"), null=True, blank=True)
    said_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("said by"),
        db_index=False,
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("added by"), db_index=False
    )
    added_at = models.DateTimeField(_("added"), db_default=Now())
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    class Meta:
        verbose_name = _("best phrase")
        constraints = [
            models.CheckConstraint(name="phrase_moment_has_call", condition=Q(second=None) | Q(call_id__isnull=False))
        ]

    def __str__(self) -> str:
        return self.text[:60]


class PhraseVote(models.Model):
    phrase = models.ForeignKey(Phrase, models.CASCADE, related_name="votes", verbose_name=_("phrase"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), db_default=Now())

    class Meta:
        verbose_name = _("vote for a phrase")
        constraints = [models.UniqueConstraint(fields=["phrase", "by"], name="phrase_vote_once")]
