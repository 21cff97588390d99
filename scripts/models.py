"""What is sold and what is said: products, offers, scripts with versions, steps and questions."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _, pgettext_lazy


class Product(models.Model):
    """Something sold by phone. `is_on` off stops every campaign that sells it at once."""

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True, default="")
    price_cents = models.BigIntegerField(_("price"), null=True, blank=True)
    selling_points = models.TextField(
        _("selling points"), blank=True, default="", help_text=_("One per line, short and clear.")
    )
    mandatory_statements = models.TextField(
        _("mandatory statements"), blank=True, default="", help_text=_("One per line.")
    )
    is_larger_plan = models.BooleanField(_("a larger plan (else an add-on)"), default=True)
    is_on = models.BooleanField(_("may be sold"), default=True)

    class Meta:
        verbose_name = _("product")
        constraints = [
            models.CheckConstraint(
                name="product_price_not_negative", condition=Q(price_cents=None) | Q(price_cents__gte=0)
            )
        ]

    def __str__(self) -> str:
        return self.name


class OfferQuerySet(models.QuerySet):
    def valid_on(self, day: date) -> OfferQuerySet:
        return self.filter(Q(valid_from__lte=day) & (Q(valid_to=None) | Q(valid_to__gt=day)))


class Offer(models.Model):
    """An incentive of this channel only, so that its effect can be measured."""

    product = models.ForeignKey(Product, models.PROTECT, related_name="offers", verbose_name=_("product"))
    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    terms = models.TextField(_("terms"), blank=True, default="")
    price_cents = models.BigIntegerField(_("price"), null=True, blank=True)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("until"), null=True, blank=True)

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = _("offer")
        constraints = [
            models.CheckConstraint(
                name="offer_ends_after_start", condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from"))
            ),
            models.CheckConstraint(
                name="offer_price_not_negative", condition=Q(price_cents=None) | Q(price_cents__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Script(models.Model):
    """A guide for calls about one product in one direction; its text lives in versions."""

    class Direction(models.TextChoices):
        OUTBOUND = "outbound", _("Outbound")
        INBOUND = "inbound", _("Inbound")

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    product = models.ForeignKey(Product, models.PROTECT, related_name="scripts", verbose_name=_("product"))
    direction = models.CharField(_("direction"), max_length=8, choices=Direction.choices, default=Direction.OUTBOUND)

    class Meta:
        verbose_name = _("script")

    def __str__(self) -> str:
        return self.name


class ScriptVersionQuerySet(models.QuerySet):
    def usable(self) -> ScriptVersionQuerySet:
        """Versions that calls may use."""
        return self.filter(status__in=ScriptVersion.USABLE)


class ScriptVersion(models.Model):
    """One wording of a script. Once approved it never changes (a trigger refuses): calls keep which one was used."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_REVIEW = "in_review", _("In review")
        APPROVED = "approved", _("Approved")
        TRIAL = "trial", _("Trial")
        LIVE = "live", _("In force")
        RETIRED = "retired", _("Retired")

    USABLE = [Status.APPROVED, Status.TRIAL, Status.LIVE]

    script = models.ForeignKey(Script, models.PROTECT, related_name="versions", verbose_name=_("script"))
    number = models.PositiveIntegerField(_("version"))
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.DRAFT)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("written by")
    )
    created_at = models.DateTimeField(_("written"), auto_now_add=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("last changed by")
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("approved by")
    )
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True)

    objects = ScriptVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("script version")
        constraints = [
            models.UniqueConstraint(fields=["script", "number"], name="script_version_number"),
            models.UniqueConstraint(fields=["script"], name="script_one_live_version", condition=Q(status="live")),
            models.CheckConstraint(
                name="script_version_approval_is_whole",
                condition=Q(status__in=["draft", "in_review"], approved_at=None)
                | Q(status__in=["approved", "trial", "live"], approved_at__isnull=False)
                | Q(status="retired"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.script} {self.number}"


class ScriptStep(models.Model):
    """One thing to say, in one of the six parts."""

    class Part(models.TextChoices):
        FIRST_QUESTION = "first_question", _("First question")
        OPENING = "opening", _("Opening")
        INTRODUCTION = "introduction", _("Product introduction")
        PERSUASION = "persuasion", _("Persuasion")
        CLOSING = "closing", _("Closing")
        ENDING = "ending", _("Ending")

    version = models.ForeignKey(ScriptVersion, models.CASCADE, related_name="steps", verbose_name=_("version"))
    part = models.CharField(_("part"), max_length=16, choices=Part.choices)
    position = models.PositiveSmallIntegerField(_("position"))
    title = models.CharField(_("title"), max_length=120, blank=True, default="")
    text = models.TextField(_("text"), help_text=_("Merge fields in braces, with a fallback: {name|customer}."))
    hint = models.TextField(_("hint"), blank=True, default="")
    must_say = models.TextField(_("must-say points"), blank=True, default="", help_text=_("One per line."))

    class Meta:
        verbose_name = _("script step")
        constraints = [
            models.UniqueConstraint(
                fields=["version", "position"], name="script_step_position", deferrable=models.Deferrable.DEFERRED
            )
        ]

    def __str__(self) -> str:
        return self.title or f"{self.get_part_display()} {self.position}"


class ScriptQuestion(models.Model):
    """A question of a step whose answer is recorded with the call."""

    class Kind(models.TextChoices):
        CHOICE = "choice", _("One choice")
        SEVERAL = "several", _("Several choices")
        NUMBER = "number", pgettext_lazy("kind of answer", "Number")
        DATE = "date", _("Date")
        TEXT = "text", _("Text")

    step = models.ForeignKey(ScriptStep, models.CASCADE, related_name="questions", verbose_name=_("step"))
    position = models.PositiveSmallIntegerField(_("position"))
    code = models.SlugField(_("code"), max_length=40)
    text = models.CharField(_("question"), max_length=300)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.CHOICE)
    choices = models.JSONField(
        _("choices"), default=list, blank=True, help_text=_("A list of texts, for questions with choices.")
    )
    is_required = models.BooleanField(_("required"), default=False)

    class Meta:
        verbose_name = _("script question")
        constraints = [models.UniqueConstraint(fields=["step", "code"], name="script_question_code")]

    def __str__(self) -> str:
        return self.text
