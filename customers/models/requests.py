"""What persons ask about their own data, with the clock running: a copy, a correction, erasing, locking."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.sealed import SealedTextField
from people.models import User

from .people import Customer


class PersonRequestQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> PersonRequestQuerySet:
        scope = user.scope()
        return self if scope.is_region else self.filter(customer__city__in=scope.city_ids)

    def waiting(self) -> PersonRequestQuerySet:
        return self.filter(state=PersonRequest.State.OPEN)

    def overdue(self, today: date) -> PersonRequestQuerySet:
        """Open, and the day by which the person had to be answered has passed."""
        return self.waiting().filter(due_on__lt=today)


class PersonRequest(models.Model):
    """One request. Who asks is named by the customer's row alone, so that nothing of it outlives an erasing."""

    class Kind(models.TextChoices):
        COPY = "copy", _("A copy of my data")
        CORRECT = "correct", _("Correct my data")
        ERASE = "erase", _("Erase my data")
        LOCK = "lock", _("Lock my data")

    class Way(models.TextChoices):
        PHONE = "phone", _("By telephone")
        LETTER = "letter", _("By letter")
        EMAIL = "email", _("By e-mail")
        IN_PERSON = "in_person", _("In person")
        AUTHORITY = "authority", _("Through an authority")

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        DONE = "done", _("Done")
        REFUSED = "refused", _("Refused")

    PERSONAL_FIELDS = ("answer", "evidence")

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="requests", verbose_name=_("customer"))
    kind = models.CharField(_("request"), max_length=8, choices=Kind.choices)
    way = models.CharField(_("came by"), max_length=10, choices=Way.choices)
    received_on = models.DateField(_("received"))
    received_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("received by"))
    due_on = models.DateField(_("to be answered by"))
    created_at = models.DateTimeField(_("entered"), db_default=Now())
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.OPEN)
    answer = SealedTextField(_("answer"), null=True, blank=True)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    # what a correction found and what it left, as JSON
    evidence = SealedTextField(_("before and after"), null=True, blank=True)
    file_id = models.BigIntegerField(_("file"), null=True, blank=True)
    lifted_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("unlocked by")
    )
    lifted_at = models.DateTimeField(_("unlocked"), null=True, blank=True)
    lift_reason = models.CharField(_("why it was unlocked"), max_length=200, blank=True, default="")

    objects = PersonRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("request of a person")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind"], condition=Q(state="open"), name="person_request_open_once"
            ),
            models.CheckConstraint(name="person_request_due_after", condition=Q(due_on__gte=F("received_on"))),
            models.CheckConstraint(
                name="person_request_end_is_whole",
                condition=Q(state="open", decided_by=None, decided_at=None)
                | Q(state__in=["done", "refused"], decided_by__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="person_request_erased_by_two",
                condition=~Q(kind="erase", state="done") | ~Q(decided_by=F("received_by")),
            ),
            models.CheckConstraint(
                name="person_request_file_of_copy", condition=Q(file_id=None) | Q(kind="copy", state="done")
            ),
            models.CheckConstraint(
                name="person_request_unlock_is_whole",
                condition=Q(lifted_by=None, lifted_at=None, lift_reason="")
                | Q(kind="lock", state="done", lifted_by__isnull=False, lifted_at__isnull=False) & ~Q(lift_reason=""),
            ),
        ]
        indexes = [models.Index(fields=["due_on"], name="person_request_waiting", condition=Q(state="open"))]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"
