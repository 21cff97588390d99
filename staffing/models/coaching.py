"""Coaching one-to-one: what was prepared, the agent's own view, the coach's words, steps agreed, and both signatures."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from people.models import City, Membership, Team, User
from people.scopes import scope_in
from qa.models import Clip, Evaluation, FormItem

Role = Membership.Role


class CoachingSessionQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> CoachingSessionQuerySet:
        """Notes on a person: the two of the session, who leads the team it was planned in, and the city's manager. No other leader."""
        managed = scope_in(user, (Role.CITY_MANAGER,))
        led = scope_in(user, (Role.TEAM_LEADER,))
        seen = Q(agent=user) | Q(coach=user)
        if user.has_role(Role.CITY_MANAGER):
            seen |= Q(city_id__in=managed.city_ids)
        if user.has_role(Role.TEAM_LEADER):
            seen |= Q(team_id__in=led.led_team_ids)
        return self.filter(seen)

    def to_come(self) -> CoachingSessionQuerySet:
        return self.filter(cancelled_at=None).exclude(coach_signed_at__isnull=False, agent_signed_at__isnull=False)


class CoachingSession(models.Model):
    """One session. Team and city are as they were when it was planned: who moves on does not take the notes to another leader."""

    PERSONAL_FIELDS = ("own_view", "good", "improve", "expected", "change_why")

    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="coaching_sessions", verbose_name=_("agent")
    )
    coach = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("coach"))
    team = models.ForeignKey(Team, models.PROTECT, related_name="+", verbose_name=_("team"))
    city = models.ForeignKey(City, models.PROTECT, related_name="+", verbose_name=_("city"))
    planned_at = models.DateTimeField(_("planned for"))
    evaluations = models.ManyToManyField(Evaluation, related_name="+", verbose_name=_("evaluations"))
    clips = models.ManyToManyField(Clip, related_name="+", verbose_name=_("clips"))
    own_view = models.TextField(_("the agent's own view"), max_length=4000, blank=True, default="")
    own_view_at = models.DateTimeField(_("own view written"), null=True)
    good = models.TextField(_("what was good"), max_length=4000, blank=True, default="")
    improve = models.TextField(_("what to improve"), max_length=4000, blank=True, default="")
    expected = models.TextField(_("what is expected"), max_length=4000, blank=True, default="")
    written_at = models.DateTimeField(_("coach's words written"), null=True)
    aim = models.ForeignKey(
        FormItem, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("what it is measured by")
    )
    next_on = models.DateField(_("next session"), null=True)
    coach_signed_at = models.DateTimeField(_("signed by the coach"), null=True)
    agent_signed_at = models.DateTimeField(_("signed by the agent"), null=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True)
    change_why = models.CharField(_("why moved or cancelled"), max_length=200, blank=True, default="")

    objects = CoachingSessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("coaching session")
        constraints = [
            models.CheckConstraint(name="coaching_not_of_oneself", condition=~Q(agent=F("coach"))),
            models.CheckConstraint(
                name="coaching_signed_is_whole",
                condition=Q(coach_signed_at=None, agent_signed_at=None)
                | Q(own_view_at__isnull=False, written_at__isnull=False, cancelled_at=None),
            ),
            models.CheckConstraint(
                name="coaching_cancelled_says_why", condition=Q(cancelled_at=None) | ~Q(change_why="")
            ),
        ]
        indexes = [models.Index(fields=["agent", "-planned_at"], name="coaching_of_agent")]

    @property
    def is_fixed(self) -> bool:
        """From the first signature on nothing changes but the other signature."""
        return bool(self.coach_signed_at or self.agent_signed_at or self.cancelled_at)

    @property
    def state(self) -> str:
        """The last thing that happened to it: "cancelled", "signed", "half" (one signature), "written", "viewed", "planned"."""
        signed = [self.coach_signed_at, self.agent_signed_at]
        told = [("cancelled", self.cancelled_at), ("signed", all(signed)), ("half", any(signed)), ("written", self.written_at and self.own_view_at), ("viewed", self.own_view_at)]  # fmt: skip
        return next((name for name, is_so in told if is_so), "planned")

    def shows_coach_words_to(self, user: User) -> bool:
        """The agent judges first: the coach's words come after the agent's own."""
        return user.pk != self.agent_id or self.own_view_at is not None


class CoachingStepQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> CoachingStepQuerySet:
        return self.filter(session__in=CoachingSession.objects.visible_to(user))


class CoachingStep(models.Model):
    """What the agent does until a day; the next session says whether it was done."""

    PERSONAL_FIELDS = ("what",)

    session = models.ForeignKey(CoachingSession, models.CASCADE, related_name="steps", verbose_name=_("session"))
    what = models.CharField(_("what is to be done"), max_length=300)
    due_on = models.DateField(_("until"))
    is_done = models.BooleanField(_("done"), null=True)
    looked_at = models.DateTimeField(_("looked at"), null=True)

    objects = CoachingStepQuerySet.as_manager()

    class Meta:
        verbose_name = _("agreed step")
        constraints = [
            models.CheckConstraint(
                name="coaching_step_looked_at",
                condition=Q(is_done=None, looked_at=None) | Q(is_done__isnull=False, looked_at__isnull=False),
            )
        ]
