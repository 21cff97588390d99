"""Made-up customers whose numbers ring in the house: who calls one holds a file that left here."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.sealed import SealedTextField
from people.models import ExportRequest, Membership, User

from .lists import LeadList
from .people import Customer


class CanaryQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> CanaryQuerySet:
        """Only administrators know which customers are made up."""
        return self if user.has_role(Membership.Role.ADMINISTRATOR) else self.none()


class Canary(models.Model):
    """The mark of a made-up customer. It lies beside the customer's row, which looks like any other and is never handed out."""

    customer = models.OneToOneField(Customer, models.PROTECT, related_name="canary", verbose_name=_("customer"))
    alert_to = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("who is alerted"))
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("entered by"))
    created_at = models.DateTimeField(_("entered"), db_default=Now())

    objects = CanaryQuerySet.as_manager()

    class Meta:
        verbose_name = _("canary customer")

    def __str__(self) -> str:
        return f"#{self.customer_id}"


class CanaryExport(models.Model):
    """One file with personal data in which a canary stood when it left: whose, of which list, under which approval."""

    canary = models.ForeignKey(Canary, models.PROTECT, related_name="exports", verbose_name=_("canary customer"))
    at = models.DateTimeField(_("left"))
    taken_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("taken by"))
    list_name = models.CharField(max_length=60)
    title = models.CharField(_("list"), max_length=120)
    row_count = models.PositiveIntegerField(_("rows"))
    request = models.ForeignKey(
        ExportRequest, models.PROTECT, null=True, related_name="+", verbose_name=_("export request")
    )

    class Meta:
        verbose_name = _("export with a canary customer")
        indexes = [models.Index(fields=["canary", "-at"], name="canary_export_newest")]


class CanaryCall(models.Model):
    """Somebody called a canary, or uploaded a list in which it stood: an alert until an administrator has looked into it."""

    PERSONAL_FIELDS = ("caller", "finding")

    canary = models.ForeignKey(Canary, models.PROTECT, related_name="calls", verbose_name=_("canary customer"))
    called_at = models.DateTimeField(_("called"))
    lead_list = models.ForeignKey(
        LeadList,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("list in which it stood"),
    )
    caller = SealedTextField(_("who called"), null=True, blank=True)
    reported_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("reported by"))
    reported_at = models.DateTimeField(_("reported"))
    settled_at = models.DateTimeField(_("looked into"), null=True, blank=True)
    settled_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("looked into by")
    )
    finding = SealedTextField(_("what came of it"), null=True, blank=True)

    class Meta:
        verbose_name = _("call to a canary customer")
        constraints = [
            models.UniqueConstraint(
                fields=["canary", "called_at"], condition=Q(lead_list=None), name="canary_call_once"
            ),
            models.UniqueConstraint(
                fields=["canary", "lead_list"], condition=Q(lead_list__isnull=False), name="canary_found_once"
            ),
            models.CheckConstraint(
                name="canary_call_settled_whole",
                condition=Q(settled_at=None, settled_by=None) | Q(settled_at__isnull=False, settled_by__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["called_at"], name="canary_call_alerts", condition=Q(settled_at=None))]
