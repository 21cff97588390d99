"""The work of scorers: one call to be scored on one form, given by a plan or by what else asks for it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from people.models import Membership, User
from people.scopes import scope_in

from .evaluations import DRAWN, READERS, Evaluation
from .forms import FormVersion, QualityForm
from .recordings import Recording

SCORERS = (Membership.Role.QA,)
OWN_TEAM = (Membership.Role.AGENT, Membership.Role.TEAM_LEADER)  # of whom nobody scores a call


class ScoringTaskQuerySet(models.QuerySet):
    def open(self) -> ScoringTaskQuerySet:
        return self.filter(done_at=None, dropped_at=None)

    def _not_at_rest(self) -> ScoringTaskQuerySet:
        """Calls of a person whose data are locked wait until the lock is lifted."""
        return self.exclude(Exists(Customer.objects.filter(pk=OuterRef("customer_id"), is_locked=True)))

    def _within(self, user: User, roles: tuple[str, ...]) -> ScoringTaskQuerySet:
        if not user.has_role(*roles):
            return self.none()
        scope = scope_in(user, roles)
        if scope.is_region:
            return self
        return self.filter(Q(city_id__in=scope.city_ids) | Q(team_id__in=scope.led_team_ids))

    def visible_to(self, user: User) -> ScoringTaskQuerySet:
        """Those of the places that the user answers for in quality. What nobody has heard yet is none of the agent's."""
        return self._within(user, READERS).exclude(agent_id=user.pk)

    def open_for(self, user: User) -> ScoringTaskQuerySet:
        """What the user named in it is still to score, and what any scorer of the place may take: no own call, and none of a team that they
        lead or are in. Who scores no more, or has left a place, has its work no more until it is given anew."""
        own = user.memberships.valid_on(timezone.localdate()).exclude(team=None).filter(role__in=OWN_TEAM)
        rows = self._within(user, SCORERS).open()._not_at_rest().filter(Q(scorer=user) | Q(scorer=None))
        return rows.exclude(agent_id=user.pk).exclude(team_id__in=own.values("team"))

    def open_of(self, user: User) -> ScoringTaskQuerySet:
        return self.open_for(user).filter(scorer=user)

    def open_to_anybody(self, user: User) -> ScoringTaskQuerySet:
        return self.open_for(user).filter(scorer=None)

    def on_a_form_in_force(self) -> ScoringTaskQuerySet:
        """What can be begun: the work of a form that was archived waits until another version of it is published."""
        versions = FormVersion.objects.filter(form=OuterRef("form"), status=FormVersion.Status.PUBLISHED)
        return self.filter(Exists(versions))

    def in_order(self) -> ScoringTaskQuerySet:
        """What is due first comes first, what has no day last; between equals a lot that was drawn once decides."""
        return self.order_by("due_at", "lot", "pk")


class ScoringTask(models.Model):
    """One call to be scored on one form: open, done (with its evaluation), or dropped (with a reason).

    Who, where and what are as they were at the call. `source_id` is the row that asks for it, as `source` says of which table.
    """

    class Source(models.TextChoices):
        PLAN = "plan", _("Sampling plan")
        DOUBLE = "double", _("Second scorer")
        CALIBRATION = "calibration", _("Calibration")
        TRIAL = "trial", _("Trial call")
        FULL_RUN = "full_run", _("Full run")
        COMPLAINT = "complaint", _("Complaint")
        COACHING = "coaching", _("Coaching")

    call_id = models.BigIntegerField(_("call"))
    call_started_at = models.DateTimeField(_("time of the call"))
    customer_id = models.BigIntegerField(_("customer"))
    city_id = models.BigIntegerField(_("customer's city"))
    team_id = models.BigIntegerField(_("team"))
    agent_id = models.BigIntegerField(_("agent"))
    campaign_id = models.BigIntegerField(_("campaign"))
    recording = models.ForeignKey(
        Recording, models.PROTECT, null=True, related_name="scoring_tasks", verbose_name=_("recording")
    )
    form = models.ForeignKey(QualityForm, models.PROTECT, related_name="+", verbose_name=_("form"))
    scorer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("scorer"),
        db_index=False,
    )
    pick = models.CharField(_("chosen by"), max_length=11, choices=Evaluation.Pick.choices)
    probability = models.FloatField(_("probability of the choice"), null=True)
    source = models.CharField(_("asked for by"), max_length=11, choices=Source.choices)
    source_id = models.BigIntegerField(null=True)
    blind = models.BooleanField(_("without the agent's name"), default=False)
    due_at = models.DateTimeField(_("to be scored until"), null=True)
    lot = models.IntegerField(_("lot"), default=0)  # a stable random place among those due at the same time
    given_at = models.DateTimeField(_("given"), db_default=Now())
    evaluation = models.ForeignKey(
        Evaluation, models.PROTECT, null=True, related_name="tasks", verbose_name=_("evaluation")
    )
    done_at = models.DateTimeField(_("done"), null=True)
    dropped_at = models.DateTimeField(_("dropped"), null=True)
    dropped_why = models.CharField(_("why dropped"), max_length=200, blank=True, default="")

    objects = ScoringTaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("call to be scored")
        constraints = [
            models.UniqueConstraint(
                fields=["call_id", "form", "scorer", "source"],
                name="scoring_task_open_once",
                condition=Q(done_at=None, dropped_at=None),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="scoring_task_open_done_or_dropped",
                condition=Q(done_at=None, evaluation=None, dropped_at=None, dropped_why="")
                | Q(done_at__isnull=False, evaluation__isnull=False, dropped_at=None, dropped_why="")
                | Q(done_at=None, evaluation=None, dropped_at__isnull=False) & ~Q(dropped_why=""),
            ),
            models.CheckConstraint(name="scoring_task_not_of_oneself", condition=Q(scorer=None) | ~Q(agent_id=F("scorer"))),
            models.CheckConstraint(
                name="scoring_task_random_has_probability",
                condition=~Q(pick__in=["random", "stratified"])
                | Q(probability__isnull=False, probability__gt=0, probability__lte=1),
            ),
        ]  # fmt: skip
        indexes = [
            # a scorer's next call, and the next one that anybody of a city may take
            models.Index(
                fields=["scorer", "due_at", "lot", "id"],
                name="scoring_task_next",
                condition=Q(done_at=None, dropped_at=None, scorer__isnull=False),
            ),
            models.Index(
                fields=["city_id", "due_at", "lot", "id"],
                name="scoring_task_anybody",
                condition=Q(done_at=None, dropped_at=None, scorer=None),
            ),
            models.Index(fields=["call_id", "form"], name="scoring_task_call"),
            models.Index(fields=["source", "source_id"], name="scoring_task_source"),
            models.Index(fields=["customer_id"], name="scoring_task_customer"),
        ]

    @property
    def source_shown(self) -> str:
        """Who asks for it. A second scorer reads what the first has read: that the call was drawn."""
        drawn = self.source in (self.Source.PLAN, self.Source.DOUBLE)
        return str(DRAWN) if drawn else self.get_source_display()

    @property
    def is_open(self) -> bool:
        return self.done_at is None and self.dropped_at is None
