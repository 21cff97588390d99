"""Forms for scoring calls: versions with stages and items. A published version never changes (triggers in qa/migrations)."""

from __future__ import annotations

from fractions import Fraction

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.text import format_lazy
from django.utils.translation import get_language, gettext_lazy as _, ngettext

from qa import scoring
from scripts.models import Article, ScriptStep

# what is answered to an item, of either kind: qa.scoring.Item says which of these an item has
ANSWERS = [
    (scoring.YES, _("Yes")),
    (scoring.NO, _("No")),
    (scoring.NOT_APPLICABLE, _("Does not apply")),
    *[(str(points), str(points)) for points in range(scoring.MOST_POINTS + 1)],
]


POINT_CHOICES = [
    (most, format_lazy(_("0 to {most} points"), most=most))
    for most in range(scoring.LEAST_POINTS, scoring.MOST_POINTS + 1)
]


def in_language(text: str, text_zh: str) -> str:
    """What is shown: the Chinese words to who reads Chinese, when there are any."""
    return text_zh if text_zh and (get_language() or "").startswith("zh") else text


# what an item asks: its words and the most points; None: answered by Yes and No
Asked = tuple[str, int | None]


class QualityForm(models.Model):
    """A form by name. What it asks stands in its versions."""

    class Purpose(models.TextChoices):
        CALLS = "calls", _("Scoring of calls")
        COACHING = "coaching", _("Coaching")
        RECRUITING = "recruiting", _("Recruiting")

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    name_zh = models.CharField(_("Chinese name"), max_length=80, blank=True, default="")
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose.choices, default=Purpose.CALLS)

    class Meta:
        verbose_name = _("form")

    def __str__(self) -> str:
        return in_language(self.name, self.name_zh)


class FormVersionQuerySet(models.QuerySet):
    def published(self) -> FormVersionQuerySet:
        return self.filter(status=FormVersion.Status.PUBLISHED)

    def with_items(self) -> FormVersionQuerySet:
        items = models.Prefetch("stages__items", FormItem.objects.select_related("article"))
        return self.select_related("form").prefetch_related("stages", items)

    def in_force_of(self, draft: FormVersion) -> FormVersion | None:
        """The version that calls are scored with as long as the draft is one, with its stages and items."""
        return self.with_items().published().filter(form=draft.form_id).first()


class FormVersion(models.Model):
    """Draft, then published (one of a form at a time), then archived. Evaluations keep the version they were made with."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        ARCHIVED = "archived", _("Archived")

    form = models.ForeignKey(QualityForm, models.PROTECT, related_name="versions", verbose_name=_("form"))
    number = models.PositiveIntegerField(_("number"))
    status = models.CharField(_("status"), max_length=9, choices=Status.choices, default=Status.DRAFT)
    pass_mark = models.DecimalField(
        _("pass mark"),
        max_digits=4,
        decimal_places=1,
        default=80,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    fail_reports_zero = models.BooleanField(_("a failed call is reported with 0"), default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("written by"),
        db_index=False,
    )
    created_at = models.DateTimeField(_("written"), db_default=Now())
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("published by"),
        db_index=False,
    )
    published_at = models.DateTimeField(_("published"), null=True)

    objects = FormVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("version of a form")
        constraints = [
            models.UniqueConstraint(fields=["form", "number"], name="form_version_number"),
            models.UniqueConstraint(fields=["form"], name="form_one_draft", condition=Q(status="draft")),
            models.UniqueConstraint(fields=["form"], name="form_one_published", condition=Q(status="published")),
            models.CheckConstraint(name="form_pass_mark", condition=Q(pass_mark__gte=0, pass_mark__lte=100)),
            models.CheckConstraint(
                name="form_published_has_time",
                condition=Q(status="draft", published_at=None) | ~Q(status="draft") & Q(published_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return _("%(form)s, version %(number)s") % {"form": self.form, "number": self.number}

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT

    def sheet(self) -> scoring.Sheet:
        """The version as qa.scoring reads it; item codes are the ids of items, as evaluations keep them."""
        return scoring.Sheet(
            [stage.as_stage() for stage in self.stages.all()], Fraction(self.pass_mark), self.fail_reports_zero
        )


class FormStage(models.Model):
    """A part of a call, with its weight in the score."""

    version = models.ForeignKey(FormVersion, models.CASCADE, related_name="stages", verbose_name=_("version"))
    position = models.PositiveSmallIntegerField(_("position"))
    name = models.CharField(_("name"), max_length=80)
    name_zh = models.CharField(_("Chinese name"), max_length=80, blank=True, default="")
    weight = models.DecimalField(_("weight"), max_digits=6, decimal_places=2, validators=[MinValueValidator(0)])

    class Meta:
        verbose_name = _("stage of a form")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "position"], name="form_stage_position", deferrable=models.Deferrable.DEFERRED
            ),
            models.CheckConstraint(name="form_stage_weight", condition=Q(weight__gte=0)),
        ]

    def __str__(self) -> str:
        return in_language(self.name, self.name_zh)

    def as_stage(self) -> scoring.Stage:
        return scoring.Stage(str(self.pk), Fraction(self.weight), [item.as_item() for item in self.items.all()])


class FormItem(models.Model):
    """One thing to listen for. `good` is the answer that earns its weight; `fails_on` the one that fails the call.

    What it is asked by: a part of the script, a clause in its own words (such as a number of the service norms, or a statement that must be
    said), an article of the knowledge base.
    """

    class Good(models.TextChoices):
        YES = scoring.YES, _("Yes")
        NO = scoring.NO, _("No")

    class FailsOn(models.TextChoices):
        NEVER = "", _("Never")
        YES = scoring.YES, _("Yes")
        NO = scoring.NO, _("No")

    class Competency(models.TextChoices):
        NONE = "", _("None")
        EXPERIENCE = "experience", _("Customer experience")
        CONTROL = "control", _("Control of the call")
        VOICE = "voice", _("Voice")
        LISTENING = "listening", _("Listening")
        QUESTIONING = "questioning", _("Questioning")
        SPEAKING = "speaking", _("Spoken communication")
        RECORD = "record", _("Record after the call")
        KNOWLEDGE = "knowledge", _("Knowledge of the product")
        SELLING = "selling", _("Sales ability")

    stage = models.ForeignKey(FormStage, models.CASCADE, related_name="items", verbose_name=_("stage"))
    position = models.PositiveSmallIntegerField(_("position"))
    text = models.CharField(_("what to listen for"), max_length=200)
    text_zh = models.CharField(_("Chinese text"), max_length=200, blank=True, default="")
    help = models.TextField(_("help, with examples"), max_length=1000, blank=True, default="")
    help_zh = models.TextField(_("Chinese help"), max_length=1000, blank=True, default="")
    weight = models.DecimalField(
        _("weight"), max_digits=5, decimal_places=2, default=1, validators=[MinValueValidator(0)]
    )
    good = models.CharField(_("good answer"), max_length=3, choices=Good.choices, default=Good.YES)
    fails_on = models.CharField(
        _("answer that fails the call"), max_length=3, choices=FailsOn.choices, blank=True, default=""
    )
    most_points = models.PositiveSmallIntegerField(
        _("answered by"),
        null=True,
        blank=True,
        choices=POINT_CHOICES,
    )
    fails_up_to = models.PositiveSmallIntegerField(_("points that fail the call, up to"), null=True, blank=True)
    competency = models.CharField(_("skill"), max_length=12, choices=Competency.choices, blank=True, default="")
    script_part = models.CharField(
        _("part of the script"), max_length=20, choices=ScriptStep.Part.choices, blank=True, default=""
    )

    clause = models.CharField(_("clause"), max_length=200, blank=True, default="")
    article = models.ForeignKey(
        Article, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("article"), db_index=False
    )

    class Meta:
        verbose_name = _("item of a form")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["stage", "position"], name="form_item_position", deferrable=models.Deferrable.DEFERRED
            ),
            models.CheckConstraint(name="form_item_weight", condition=Q(weight__gte=0)),
            # what is good cannot fail the call
            models.CheckConstraint(name="form_item_fails_on_bad", condition=~Q(fails_on=F("good"))),
            # either Yes or No, or points, each with its own way to fail the call; full points cannot fail it
            models.CheckConstraint(
                name="form_item_one_kind_of_answer",
                condition=Q(most_points=None, fails_up_to=None)
                | Q(most_points__isnull=False, most_points__gte=2, most_points__lte=10, good="yes", fails_on="")
                & (Q(fails_up_to=None) | Q(fails_up_to__gte=0, fails_up_to__lt=F("most_points"))),
            ),
        ]

    def __str__(self) -> str:
        return in_language(self.text, self.text_zh)

    @property
    def asked(self) -> Asked:
        """Items of the same words in several versions are one, unless one is answered by points and the other is not, or by more points."""
        return self.text, self.most_points

    @property
    def has_source(self) -> bool:
        """Whether it says what it is asked by."""
        return bool(self.script_part or self.clause or self.article_id)

    @property
    def help_shown(self) -> str:
        return in_language(self.help, self.help_zh)

    def as_item(self) -> scoring.Item:
        """As qa.scoring reads it: which answers there are, what each earns, and which fail the call."""
        return scoring.Item(
            str(self.pk),
            Fraction(self.weight),
            self.good,
            self.fails_on,
            self.competency,
            self.most_points,
            self.fails_up_to,
        )

    def say(self, answer: str) -> str:
        """An answer in words: Yes, No, does not apply, 3 of 5 points."""
        if self.most_points is None or not answer.isdecimal():
            return str(dict(ANSWERS).get(answer, answer))
        return _("%(points)s of %(most)s points") % {"points": answer, "most": self.most_points}

    @property
    def answers(self) -> list[tuple[str, str]]:
        """What may be answered, each with its words."""
        return [(answer, self.say(answer)) for answer in self.as_item().answers]

    @property
    def buttons(self) -> list[tuple[str, str, str, str]]:
        """The same for its row of buttons: answer, what stands on it (of points their number alone), its words, and for the colour whether it
        is good ("yes"), partly ("part"), not ("no") or "na"."""
        found = []
        for answer, words in self.answers:
            share = self.as_item().earned(answer)
            kind = "na" if share is None else "yes" if share == 1 else "part" if share else "no"
            found.append((answer, answer if answer.isdecimal() else words, words, kind))
        return found

    @property
    def fails_shown(self) -> str:
        """Which answer fails the call, in words; "" when none does."""
        if self.fails_up_to is not None:
            words = ngettext(
                "up to %(points)s point fails the call", "up to %(points)s points fail the call", self.fails_up_to
            )
            return words % {"points": self.fails_up_to}
        return _("%(answer)s fails the call") % {"answer": self.get_fails_on_display()} if self.fails_on else ""
