"""What is said: scripts with versions, steps, questions and where answers lead."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Max, Q
from django.db.models.functions import Greatest, Now
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from people.models import Membership, User

from .products import Product

Role = Membership.Role
DRAFT_READERS = (Role.CAMPAIGN_MANAGER, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR, Role.QA, Role.TRAINER)


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
    def visible_to(self, user: User) -> ScriptVersionQuerySet:
        """What is written, reviewed or was retired is for those who write, approve or teach; all others read what calls may use."""
        return self if user.has_role(*DRAFT_READERS) else self.usable()

    def usable(self) -> ScriptVersionQuerySet:
        """Versions that calls may use."""
        return self.filter(status__in=ScriptVersion.USABLE)


class ScriptVersion(models.Model):
    """One wording of a script. Once approved it never changes, and its status moves only as written here (triggers refuse): calls keep
    which one was used.

    draft and in review, back and forth; approved; on trial or not; in force; retired. From approved and trial also straight to retired.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_REVIEW = "in_review", _("In review")
        APPROVED = "approved", _("Approved")
        TRIAL = "trial", _("Trial")
        LIVE = "live", _("In force")
        RETIRED = "retired", _("Retired")

    USABLE = [Status.APPROVED, Status.TRIAL, Status.LIVE]

    script = models.ForeignKey(Script, models.PROTECT, related_name="versions", verbose_name=_("script"))
    based_on = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("made from version"),
        db_index=False,
    )
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
            models.UniqueConstraint(fields=["script"], name="script_one_draft", condition=Q(status="draft")),
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
    """One thing to say, in one of the six parts. After it comes the branch of the answer that was given, else the next position.

    `key` stays the same from version to version, so that versions and what happened at a step can be compared.
    """

    class Part(models.TextChoices):
        FIRST_QUESTION = "first_question", _("First question")
        OPENING = "opening", _("Opening")
        INTRODUCTION = "introduction", _("Product introduction")
        PERSUASION = "persuasion", _("Persuasion")
        CLOSING = "closing", _("Closing")
        ENDING = "ending", _("Ending")

    version = models.ForeignKey(ScriptVersion, models.CASCADE, related_name="steps", verbose_name=_("version"))
    key = models.UUIDField(default=uuid4, db_default=RandomUUID(), editable=False)
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
            ),
            models.UniqueConstraint(fields=["version", "key"], name="script_step_key"),
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


class ScriptBranch(models.Model):
    """Where an answer of a question with choices leads; no target: the conversation goes to its end."""

    question = models.ForeignKey(ScriptQuestion, models.CASCADE, related_name="branches", verbose_name=_("question"))
    choice = models.CharField(_("answer"), max_length=200)
    target = models.ForeignKey(
        ScriptStep, models.CASCADE, null=True, blank=True, related_name="reached_from", verbose_name=_("goes on with")
    )

    class Meta:
        verbose_name = _("branch of a script")
        constraints = [models.UniqueConstraint(fields=["question", "choice"], name="script_branch_once")]

    def __str__(self) -> str:
        return self.choice


class StepObjection(models.Model):
    """An objection that is at hand while a step is spoken."""

    step = models.ForeignKey(ScriptStep, models.CASCADE, related_name="objection_links", verbose_name=_("step"))
    objection = models.ForeignKey(
        "scripts.Objection", models.PROTECT, related_name="step_links", verbose_name=_("objection")
    )

    class Meta:
        verbose_name = _("objection at a step")
        constraints = [models.UniqueConstraint(fields=["step", "objection"], name="step_objection_once")]


class StepQuoteQuerySet(models.QuerySet):
    def agreed(self) -> StepQuoteQuerySet:
        """With `agreed_version`: the newest version of the article that the step is known to fit, as quoted or as looked at since."""
        return self.annotate(agreed_version=Greatest("article_version", Max("checks__article_version")))


class StepQuote(models.Model):
    """A step quotes an article as it stood in that version; a later version of the article marks the script."""

    step = models.ForeignKey(ScriptStep, models.CASCADE, related_name="quotes", verbose_name=_("step"))
    article = models.ForeignKey("scripts.Article", models.PROTECT, related_name="quotes", verbose_name=_("article"))
    article_version = models.PositiveIntegerField(_("version of the article"))

    objects = StepQuoteQuerySet.as_manager()

    class Meta:
        verbose_name = _("quoted article")
        constraints = [models.UniqueConstraint(fields=["step", "article"], name="step_quote_once")]


class StepComment(models.Model):
    """What a reviewer says about a step (or, without one, about the whole version), until it is settled."""

    version = models.ForeignKey(ScriptVersion, models.CASCADE, related_name="comments", verbose_name=_("version"))
    step = models.ForeignKey(
        ScriptStep, models.CASCADE, null=True, blank=True, related_name="comments", verbose_name=_("step")
    )
    text = models.TextField(_("comment"), max_length=2000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), db_default=Now())
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("settled by")
    )
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    class Meta:
        verbose_name = _("comment on a script")
        constraints = [
            models.CheckConstraint(
                name="step_comment_settled_whole",
                condition=Q(settled_by=None, settled_at=None) | Q(settled_by__isnull=False, settled_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.text[:60]


class ProhibitedWord(models.Model):
    """A word that no script and no answer may contain, with the reason the writer is told."""

    word = models.CharField(_("word"), max_length=60, unique=True)
    why = models.CharField(_("why not"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("prohibited word")

    def __str__(self) -> str:
        return self.word
