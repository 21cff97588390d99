"""The knowledge base: articles with versions and attachments, linked to products and quoted by scripts."""

from __future__ import annotations

from datetime import date

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from .products import Product


class ArticleQuerySet(models.QuerySet):
    def live(self) -> ArticleQuerySet:
        return self.filter(retired_at=None)

    def due(self, day: date) -> ArticleQuerySet:
        """Those whose owner should have looked at them again by that day."""
        return self.live().filter(review_on__lte=day)


class Article(models.Model):
    """Something agents must know. Title and text are those of its newest version; the versions before are kept."""

    class Category(models.TextChoices):
        GUIDE = "guide", _("Guide")
        NORM = "norm", _("Service norm")
        FAQ = "faq", _("Frequent question")
        SCENARIO = "scenario", _("Scenario")
        TIMETABLE = "timetable", _("Timetable")

    category = models.CharField(_("category"), max_length=10, choices=Category.choices, default=Category.GUIDE)
    title = models.CharField(_("title"), max_length=160)
    text = models.TextField(_("text"), blank=True, default="")
    number = models.PositiveIntegerField(_("version"), default=1)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("owner"), db_index=False
    )
    review_on = models.DateField(_("to be reviewed on"), null=True, blank=True)
    products = models.ManyToManyField(Product, blank=True, related_name="articles", verbose_name=_("products"))
    changed_at = models.DateTimeField(_("changed"), db_default=Now())
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        verbose_name = _("article")
        indexes = [
            GinIndex(fields=["title", "text"], opclasses=["gin_trgm_ops", "gin_trgm_ops"], name="article_search"),
            models.Index(fields=["review_on"], name="article_review", condition=Q(retired_at=None)),
        ]

    def __str__(self) -> str:
        return self.title


class ArticleVersion(models.Model):
    """An article as it was written once; never changed."""

    article = models.ForeignKey(Article, models.PROTECT, related_name="versions", verbose_name=_("article"))
    number = models.PositiveIntegerField(_("version"))
    title = models.CharField(_("title"), max_length=160)
    text = models.TextField(_("text"), blank=True, default="")
    what_changed = models.CharField(_("what changed"), max_length=300, blank=True, default="")
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("written by"), db_index=False
    )
    written_at = models.DateTimeField(_("written"), db_default=Now())

    class Meta:
        verbose_name = _("version of an article")
        constraints = [models.UniqueConstraint(fields=["article", "number"], name="article_version_once")]
        triggers = [
            pgtrigger.Protect(name="article_version_never_changes", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.number}"


class ArticleNotice(models.Model):
    """Somebody is told that an article reads otherwise now; waits until they say that they have seen it."""

    article = models.ForeignKey(Article, models.PROTECT, related_name="notices", verbose_name=_("article"))
    number = models.PositiveIntegerField(_("version"))
    to = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("who is told"), db_index=False
    )
    at = models.DateTimeField(_("at"), db_default=Now())
    seen_at = models.DateTimeField(_("marked as seen"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice of a changed article")
        constraints = [models.UniqueConstraint(fields=["article", "number", "to"], name="article_notice_once")]
        indexes = [models.Index(fields=["to"], name="article_notice_waits", condition=Q(seen_at=None))]


class ArticleFile(models.Model):
    """An attachment; its bytes lie in core's private files."""

    article = models.ForeignKey(Article, models.PROTECT, related_name="files", verbose_name=_("article"))
    name = models.CharField(_("name"), max_length=160)
    file_id = models.BigIntegerField(_("file"), unique=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("added by"), db_index=False
    )
    added_at = models.DateTimeField(_("added"), db_default=Now())
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)

    class Meta:
        verbose_name = _("attachment of an article")

    def __str__(self) -> str:
        return self.name
