"""Complaints: what was said, who sees to it until when, what was done, what came of it, and what it was about."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext, gettext_lazy as _, pgettext_lazy

from people.models import Membership, User
from people.scopes import scope_in
from scripts.models import Article

Role = Membership.Role
# Whose look at a complaint is cut to their teams and cities.
COMPLAINT_READERS = (Role.QA, Role.SUPERVISOR, Role.TEAM_LEADER, Role.CITY_MANAGER, Role.REGIONAL_MANAGER, Role.CAMPAIGN_MANAGER)  # fmt: skip


class Severity(models.TextChoices):
    MINOR = "minor", _("Minor complaint")
    NORMAL = "normal", _("Ordinary complaint")
    SERIOUS = "serious", _("Serious complaint")


class ComplaintCategory(models.Model):
    """What complaints are about; holds for the whole region. Names that are shipped are shown in the reader's language."""

    code = models.SlugField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=60)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("complaint category")

    def __str__(self) -> str:
        return gettext(self.name) if self.name else ""


class ComplaintDeadline(models.Model):
    """Within how many hours a complaint is to be answered."""

    severity = models.CharField(_("severity"), max_length=7, choices=Severity, unique=True)
    hours = models.PositiveSmallIntegerField(_("hours"))

    class Meta:
        verbose_name = _("deadline of complaints")
        constraints = [models.CheckConstraint(name="complaint_hours", condition=Q(hours__gte=1, hours__lte=2160))]

    def __str__(self) -> str:
        return f"{self.get_severity_display()}: {self.hours}"


class ComplaintQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> ComplaintQuerySet:
        """Who answers for the team or the city, who is in charge, and who took it."""
        seen = Q(in_charge=user) | Q(received_by=user)
        if user.has_role(*COMPLAINT_READERS):
            scope = scope_in(user, COMPLAINT_READERS)
            seen |= Q() if scope.is_region else Q(city_id__in=scope.city_ids) | Q(team_id__in=scope.led_team_ids)
            if scope.is_region:
                return self
        return self.filter(seen)

    def open(self) -> ComplaintQuerySet:
        return self.exclude(state=Complaint.State.CLOSED)

    def overdue(self, at: object) -> ComplaintQuerySet:
        return self.filter(state__in=(Complaint.State.RECEIVED, Complaint.State.IN_WORK), due_at__lt=at)

    def to_confirm(self) -> ComplaintQuerySet:
        """An agent calls it serious; whether it is, and whether the campaign stops, nobody has said yet."""
        return self.open().filter(severity=Severity.SERIOUS, confirmed_at=None)


class Complaint(models.Model):
    """One complaint. Of a call: with who, where and what as they were at the call (plain ids); without one: the city it belongs to."""

    class State(models.TextChoices):
        RECEIVED = "received", pgettext_lazy("complaint", "Received")
        IN_WORK = "in_work", _("In work")
        ANSWERED = "answered", pgettext_lazy("complaint", "Answered")
        CLOSED = "closed", _("Complaint closed")

    class Cause(models.TextChoices):
        AGENT = "agent", _("What the agent said or did")
        SCRIPT = "script", _("What the script says")
        ARTICLE = "article", _("What the knowledge says")
        OFFER = "offer", _("The offer or its price")
        DATA = "data", _("The list or the number")
        UNFOUNDED = "unfounded", _("Nothing found")

    PERSONAL_FIELDS = ("words", "answer")

    customer_id = models.BigIntegerField(_("customer"), null=True)
    city_id = models.BigIntegerField(_("customer's city"))
    call_id = models.BigIntegerField(_("call"), null=True)
    call_started_at = models.DateTimeField(_("time of the call"), null=True)
    live_since = models.DateTimeField(
        _("dialled"), null=True, help_text=_("Of the call that went on when it was taken, until that call is recorded.")
    )
    campaign_id = models.BigIntegerField(_("campaign"), null=True)
    team_id = models.BigIntegerField(_("team"), null=True)
    agent_id = models.BigIntegerField(_("agent"), null=True)
    script_version_id = models.BigIntegerField(_("script version"), null=True)
    category = models.ForeignKey(ComplaintCategory, models.PROTECT, related_name="+", verbose_name=_("category"))
    severity = models.CharField(_("severity"), max_length=7, choices=Severity)
    words = models.TextField(_("what the customer says"), max_length=4000, blank=True)
    answer = models.TextField(_("answer to the customer"), max_length=4000, blank=True, default="")
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.RECEIVED)
    in_charge = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("in charge")
    )
    received_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("taken by")
    )
    received_at = models.DateTimeField(_("received"))
    due_at = models.DateTimeField(_("to be answered by"))
    answered_at = models.DateTimeField(_("answered"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    stopped_campaign = models.BooleanField(_("stopped the campaign"), default=False)
    confirmed_at = models.DateTimeField(_("severity confirmed"), null=True)
    cause = models.CharField(_("cause"), max_length=9, choices=Cause.choices, blank=True, default="")
    cause_article = models.ForeignKey(
        Article, models.PROTECT, null=True, related_name="+", verbose_name=_("article"), db_index=False
    )

    objects = ComplaintQuerySet.as_manager()

    class Meta:
        verbose_name = _("complaint")
        constraints = [
            models.CheckConstraint(
                name="complaint_call_is_whole",
                condition=Q(call_id=None, call_started_at=None)
                | Q(call_id__isnull=False, call_started_at__isnull=False),
            ),
            models.CheckConstraint(
                name="complaint_live_call_has_its_agent",
                condition=Q(live_since=None) | Q(call_id=None, agent_id__isnull=False, customer_id__isnull=False),
            ),
            models.CheckConstraint(
                name="complaint_state_is_dated",
                condition=Q(state__in=["received", "in_work"], answered_at=None, closed_at=None)
                | Q(state="answered", answered_at__isnull=False, closed_at=None)
                | Q(state="closed", answered_at__isnull=False, closed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="complaint_article_is_the_cause",
                condition=Q(cause="article", cause_article__isnull=False) | ~Q(cause="article") & Q(cause_article=None),
            ),
            models.UniqueConstraint(
                fields=["call_id", "category"], name="complaint_once_per_call", condition=Q(call_id__isnull=False)
            ),
        ]
        indexes = [
            models.Index(fields=["customer_id"], name="complaint_customer"),
            models.Index(fields=["city_id", "-received_at"], name="complaint_city"),
            models.Index(fields=["call_started_at"], name="complaint_called"),
            models.Index(fields=["id"], name="complaint_live", condition=Q(live_since__isnull=False)),
            models.Index(fields=["due_at"], name="complaint_due", condition=Q(state__in=["received", "in_work"])),
        ]


class ComplaintStep(models.Model):
    """What was done, by whom, when. Written once (a trigger keeps it so); only the erasing of the person takes the words."""

    class Kind(models.TextChoices):
        TAKEN = "taken", pgettext_lazy("complaint", "Taken")
        GIVEN = "given", _("Given to somebody")
        NOTED = "noted", _("Noted")
        WEIGHED = "weighed", _("Severity decided")
        TRACED = "traced", _("Traced to its cause")
        NO_CALLS = "no_calls", _("Put under “do not call”")
        ANSWERED = "answered", pgettext_lazy("complaint", "Answered")
        CLOSED = "closed", _("Complaint closed")
        REOPENED = "reopened", _("Opened again")

    PERSONAL_FIELDS = ("words",)

    complaint = models.ForeignKey(Complaint, models.PROTECT, related_name="steps", verbose_name=_("complaint"))
    kind = models.CharField(_("step"), max_length=8, choices=Kind.choices)
    words = models.TextField(_("words"), max_length=4000, blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("step of a complaint")
