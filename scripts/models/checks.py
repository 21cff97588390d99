"""What QA found about quotes whose article has changed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from .scripts import StepQuote


class QuoteCheck(models.Model):
    """QA looked at a step against a newer version of the article it quotes: it still fits.

    Beside the quote, which keeps the version it was written from: quotes of an approved version never change.
    """

    quote = models.ForeignKey(StepQuote, models.CASCADE, related_name="checks", verbose_name=_("quoted article"))
    article_version = models.PositiveIntegerField(_("version of the article"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"), db_index=False
    )
    at = models.DateTimeField(_("at"), db_default=Now())

    class Meta:
        verbose_name = _("check of a quoted article")
        constraints = [models.UniqueConstraint(fields=["quote", "article_version"], name="quote_check_once")]
