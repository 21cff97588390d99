from django.db import models
from django.utils.translation import gettext_lazy as _


class Holiday(models.Model):
    """A day that is not what its weekday says: a holiday, or a weekend day that is worked to make up for one."""

    class Source(models.TextChoices):
        LIBRARY = "library", _("Public calendar")
        HAND = "hand", _("Entered by hand")

    day = models.DateField(_("day"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    is_workday = models.BooleanField(_("worked"), default=False)
    source = models.CharField(_("from"), max_length=8, choices=Source.choices, default=Source.HAND)

    class Meta:
        verbose_name = _("special day")
        verbose_name_plural = _("special days")

    def __str__(self) -> str:
        return f"{self.day} {self.name}"
