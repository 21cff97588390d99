"""What publishing a draft would have changed last month, counted in the background and kept with the draft."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from people.models import User
from people.scopes import scope_in

from .evaluations import READERS, Evaluation, EvaluationQuerySet
from .forms import FormVersion

MONTH = timedelta(days=30)


def weights_of(draft: FormVersion, in_force: FormVersion) -> dict[str, str]:
    """{id of a stage in force: weight of the stage with the same name in the draft}."""
    weights = dict(draft.stages.values_list("name", "weight"))
    return {str(stage.pk): str(weights[stage.name]) for stage in in_force.stages.all() if stage.name in weights}


class FormPreview(models.Model):
    """The last month's evaluations under the weights, the pass mark and what a failed call reports, as the draft had them when the count was asked for.

    `weights`: {id of a stage in force: weight of the stage with the same name in the draft}; a stage that is not named here keeps its own.
    A newer count of the draft takes the place of this one.
    """

    version = models.OneToOneField(FormVersion, models.CASCADE, related_name="preview", verbose_name=_("draft"))
    in_force = models.ForeignKey(
        FormVersion, models.PROTECT, related_name="+", verbose_name=_("version in force"), db_index=False
    )
    pass_mark = models.DecimalField(_("pass mark"), max_digits=4, decimal_places=1)
    fail_reports_zero = models.BooleanField(_("a failed call is reported with 0"), default=False)
    weights = models.JSONField(_("weights"), default=dict)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("asked for by"), db_index=False
    )
    asked_at = models.DateTimeField(_("asked for"))
    counted_at = models.DateTimeField(_("counted"), null=True)
    job_id = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("preview of a publication")

    def evaluations(self) -> EvaluationQuerySet:
        """Those it counts: submitted in the month before it was asked for, with the version then in force. What was scored to calibrate is left
        out, since the call has its evaluation already."""
        month = Q(submitted_at__gte=self.asked_at - MONTH, submitted_at__lte=self.asked_at)
        rows = Evaluation.objects.submitted().filter(month, version=self.in_force_id)
        return rows.exclude(pick=Evaluation.Pick.CALIBRATION)

    def is_of(self, draft: FormVersion, in_force: FormVersion) -> bool:
        """Whether the draft still has the weights and the pass mark that are counted with, and is compared with the same version."""
        same = self.in_force_id == in_force.pk and self.pass_mark == draft.pass_mark
        same = same and self.fail_reports_zero == draft.fail_reports_zero
        return same and self.weights == weights_of(draft, in_force)

    def named_weights(self) -> dict[str, Fraction]:
        return {stage: Fraction(weight) for stage, weight in self.weights.items()}


class PreviewMovesQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> PreviewMovesQuerySet:
        """Those of the places whose evaluations the user reads."""
        scope = scope_in(user, READERS)
        if scope.is_region:
            return self
        return self.filter(Q(city_id__in=scope.city_ids) | Q(team_id__in=scope.led_team_ids))


class PreviewMoves(models.Model):
    """Of a team's evaluations of calls to one city: how many there are, would pass that did not, would not pass that did, and their scores."""

    preview = models.ForeignKey(FormPreview, models.CASCADE, related_name="moves", verbose_name=_("preview"))
    city_id = models.BigIntegerField(_("customer's city"))
    team_id = models.BigIntegerField(_("team"))
    evaluations = models.PositiveIntegerField(_("evaluations"), default=0)
    up = models.PositiveIntegerField(_("would pass"), default=0)
    down = models.PositiveIntegerField(_("would not pass"), default=0)
    # of the evaluations with a score, now and under the draft: how many, and their scores together
    scored_now = models.PositiveIntegerField(_("with a score"), default=0)
    scores_now = models.DecimalField(_("sum of scores"), max_digits=14, decimal_places=3, default=0)
    scored_then = models.PositiveIntegerField(_("with a score under the draft"), default=0)
    scores_then = models.DecimalField(_("sum of scores under the draft"), max_digits=14, decimal_places=3, default=0)

    objects = PreviewMovesQuerySet.as_manager()

    class Meta:
        verbose_name = _("who would cross the pass mark")
        constraints = [
            models.UniqueConstraint(fields=["preview", "city_id", "team_id"], name="preview_moves_once"),
            models.CheckConstraint(
                name="preview_moves_are_of_all", condition=Q(evaluations__gte=models.F("up") + models.F("down"))
            ),
        ]
