"""Customers who may be one person, and what was done about it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.sealed import SealedTextField
from people.models import User

from .people import Customer


class SamePersonQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> SamePersonQuerySet:
        """Pairs of whom the user sees both: a customer who has moved since takes the pair out of a city's sight."""
        scope = user.scope()
        if scope.is_region:
            return self
        return self.filter(first__city__in=scope.city_ids, second__city__in=scope.city_ids)

    def waiting(self) -> SamePersonQuerySet:
        """Not decided, and neither of them merged into somebody else meanwhile."""
        return self.filter(state=SamePerson.State.OPEN, first__merged_into=None, second__merged_into=None)


class SamePerson(models.Model):
    """Two customers who may be one: the lower id is the first, so that a pair stands here once, whatever became of it.

    It holds ids alone. Of the numbers nothing is kept but what they have in common.
    """

    class Why(models.TextChoices):
        DIGIT = "digit", _("Numbers differ in one digit")
        SWAPPED = "swapped", _("Two neighbouring digits are swapped")
        EMAIL = "email", _("Same e-mail address")

    class State(models.TextChoices):
        OPEN = "open", _("To be decided")
        DIFFERENT = "different", _("Not the same")
        MERGED = "merged", _("Merged")

    first = models.ForeignKey(
        Customer, models.PROTECT, related_name="+", verbose_name=_("first customer"), db_index=False
    )
    second = models.ForeignKey(Customer, models.PROTECT, related_name="+", verbose_name=_("second customer"))
    why = models.CharField(_("besides the name"), max_length=8, choices=Why.choices)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.OPEN)
    found_at = models.DateTimeField(_("found"))
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    objects = SamePersonQuerySet.as_manager()

    class Meta:
        verbose_name = _("possible same person")
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="same_person_pair_once"),
            models.CheckConstraint(name="same_person_lower_first", condition=Q(first__lt=F("second"))),
            models.CheckConstraint(
                name="same_person_decision_is_whole",
                condition=Q(state="open", decided_by=None, decided_at=None)
                | ~Q(state="open") & Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["found_at"], name="same_person_waiting", condition=Q(state="open"))]

    def __str__(self) -> str:
        return f"#{self.first_id} = #{self.second_id}"


class MergeQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> MergeQuerySet:
        scope = user.scope()
        if scope.is_region:
            return self
        return self.filter(kept__city__in=scope.city_ids, gone__city__in=scope.city_ids)

    def standing(self) -> MergeQuerySet:
        return self.filter(undone_at=None)


class Merge(models.Model):
    """One customer was merged into another. `moved` says what went over and what was there before, as long as it can be undone."""

    PERSONAL_FIELDS = ("moved",)

    pair = models.ForeignKey(SamePerson, models.PROTECT, related_name="merges", verbose_name=_("pair"))
    kept = models.ForeignKey(Customer, models.PROTECT, related_name="+", verbose_name=_("who stays"))
    gone = models.ForeignKey(
        Customer, models.PROTECT, related_name="+", verbose_name=_("who was merged"), db_index=False
    )
    at = models.DateTimeField(_("merged at"))
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("merged by"))
    moved = SealedTextField(_("what went over"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    undone_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("undone by")
    )
    # [[code, how many], ...] of what an undo could not bring back
    left = models.JSONField(_("not brought back"), default=list, blank=True)

    objects = MergeQuerySet.as_manager()

    class Meta:
        verbose_name = _("merge of two customers")
        constraints = [
            models.UniqueConstraint(fields=["gone"], name="merge_standing_once", condition=Q(undone_at=None)),
            models.CheckConstraint(name="merge_of_two", condition=~Q(kept=F("gone"))),
            models.CheckConstraint(
                name="merge_undo_is_whole",
                condition=Q(undone_at=None, undone_by=None) | Q(undone_at__isnull=False, undone_by__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["gone"], name="merge_of_person"),
            models.Index(fields=["undone_at"], name="merge_undone", condition=Q(undone_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"#{self.gone_id} → #{self.kept_id}"
