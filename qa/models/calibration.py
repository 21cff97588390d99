"""Calibration: sessions in which several score the same call blind to each other, and second scorers who are not told."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from people.models import City, User
from people.scopes import scope_in

from .forms import ANSWERS, FormItem, QualityForm
from .work import SCORERS, ScoringTask


class CalibrationSessionQuerySet(models.QuerySet):
    def open(self) -> CalibrationSessionQuerySet:
        return self.filter(closed_at=None)

    def visible_to(self, user: User) -> CalibrationSessionQuerySet:
        """QA sees those about calls of their places, and everybody those in which they score."""
        mine = Q(pk__in=CalibrationSeat.objects.filter(scorer=user, left_at=None).values("session"))
        if not user.has_role(*SCORERS):
            return self.none()
        scope = scope_in(user, SCORERS)
        place = Q() if scope.is_region else Q(city_id__in=scope.city_ids) | Q(team_id__in=scope.led_team_ids) | mine
        return self.filter(place).exclude(agent_id=user.pk)


class CalibrationSession(models.Model):
    """One call that several score on one form, none of them seeing what the others say until all have or the session is closed.

    Who, where and what are as they were at the call.
    """

    name = models.CharField(_("name"), max_length=80)
    form = models.ForeignKey(QualityForm, models.PROTECT, related_name="+", verbose_name=_("form"))
    call_id = models.BigIntegerField(_("call"))
    call_started_at = models.DateTimeField(_("time of the call"))
    customer_id = models.BigIntegerField(_("customer"))
    city = models.ForeignKey(City, models.PROTECT, related_name="+", verbose_name=_("customer's city"))
    agent_id = models.BigIntegerField(_("agent"))
    team_id = models.BigIntegerField(_("team"))
    campaign_id = models.BigIntegerField(_("campaign"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("made by"), db_index=False
    )
    made_at = models.DateTimeField(_("made"), db_default=Now())
    due_at = models.DateTimeField(_("to be scored until"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("closed by"),
        db_index=False,
    )

    objects = CalibrationSessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("calibration session")
        constraints = [
            # else the evaluations of one session would do the tasks of the other
            models.UniqueConstraint(
                fields=["call_id", "form"], name="calibration_session_open_once", condition=Q(closed_at=None)
            ),
            models.CheckConstraint(
                name="calibration_session_close_is_whole",
                condition=Q(closed_at=None, closed_by=None) | Q(closed_at__isnull=False, closed_by__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["city", "-made_at"], name="calibration_session_city")]

    def __str__(self) -> str:
        return self.name


class CalibrationSeat(models.Model):
    """One who scores in a session; `left_at` when they were taken out before they had."""

    session = models.ForeignKey(CalibrationSession, models.PROTECT, related_name="seats", verbose_name=_("session"))
    scorer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("scorer"))
    task = models.OneToOneField(ScoringTask, models.PROTECT, related_name="seat", verbose_name=_("task"))
    left_at = models.DateTimeField(_("left"), null=True)

    class Meta:
        verbose_name = _("scorer of a calibration session")
        constraints = [models.UniqueConstraint(fields=["session", "scorer"], name="calibration_seat_once")]


class CalibrationDecision(models.Model):
    """The answer that a session agreed on for one item, and why: a precedent for its words from then on, like the decision of an appeal."""

    PERSONAL_FIELDS = ("ground",)

    session = models.ForeignKey(CalibrationSession, models.PROTECT, related_name="decisions", verbose_name=_("session"))
    item = models.ForeignKey(FormItem, models.PROTECT, related_name="+", verbose_name=_("item"))
    right_answer = models.CharField(_("agreed answer"), max_length=3, choices=ANSWERS)
    ground = models.CharField(_("ground of the decision"), max_length=1000)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("decided by"), db_index=False
    )
    decided_at = models.DateTimeField(_("decided"))

    class Meta:
        verbose_name = _("decision of a calibration session")
        constraints = [
            models.UniqueConstraint(fields=["session", "item"], name="calibration_decision_once"),
            models.CheckConstraint(name="calibration_decision_has_ground", condition=~Q(ground="")),
        ]

    @property
    def right_answer_shown(self) -> str:
        return self.item.say(self.right_answer)

    def get_decision_display(self) -> str:
        """Named like the field of an appeal: both are shown as precedents in one way."""
        return str(_("agreed in calibration"))


class DoubleShare(models.Model):
    """How many of 100 drawn evaluations of the region get a second scorer, from `set_at` on. The newest row holds; none is ever changed."""

    LEAST, MOST = 5, 10

    percent = models.PositiveSmallIntegerField(_("scored twice, of 100"))
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("set by"), db_index=False
    )
    set_at = models.DateTimeField(_("set"), db_default=Now())

    class Meta:
        verbose_name = _("share of calls scored twice")
        constraints = [
            models.CheckConstraint(name="double_share_bounds", condition=Q(percent__gte=5, percent__lte=10)),
        ]


class DoubleDraw(models.Model):
    """What was drawn from one day's evaluations, once: `picked` of `evaluations` got a second scorer; `without` had none whom the place could give."""

    day = models.DateField(_("day"), unique=True)
    percent = models.PositiveSmallIntegerField(_("scored twice, of 100"))
    evaluations = models.PositiveIntegerField(_("evaluations"))
    picked = models.PositiveIntegerField(_("given to a second scorer"))
    without = models.PositiveIntegerField(_("without a second scorer"))
    drawn_at = models.DateTimeField(_("drawn"))

    class Meta:
        verbose_name = _("draw of calls scored twice")
        constraints = [
            models.CheckConstraint(
                name="double_draw_sums", condition=Q(evaluations__gte=F("picked") + F("without"))
            ),
        ]  # fmt: skip
