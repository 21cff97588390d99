"""Forms of checkpoints and complaint risks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from campaigns.rules import GATEKEEPERS, PLANNERS
from people.models import User
from qa import rules
from qa.models import GateReview, GateReviewItem, QualityForm

MOST_OWNERS = 200


def forms_of_trials() -> QuerySet[QualityForm]:
    """On which recordings of a trial can be scored."""
    published = QualityForm.objects.filter(versions__status="published").exclude(purpose="recruiting")
    return published.order_by("code")


class OpenForm(forms.Form):
    """Only the trial asks on which form its recordings are scored."""

    form = forms.ModelChoiceField(
        label=_("Form for the recordings of the trial"), queryset=QualityForm.objects.none(), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["form"].queryset = forms_of_trials()  # type: ignore[attr-defined]


class AnswerForm(forms.Form):
    result = forms.ChoiceField(label=_("Result"), choices=GateReviewItem.Result.choices)
    remark = forms.CharField(label=_("Remark"), max_length=500, required=False)


class VerdictForm(forms.Form):
    verdict = forms.ChoiceField(
        label=_("Verdict"),
        choices=[choice for choice in GateReview.Verdict.choices if choice[0] != GateReview.Verdict.OVERRIDDEN],
    )
    reason = forms.CharField(label=_("Reason"), max_length=1000, required=False)


class RiskForm(forms.Form):
    words = forms.CharField(label=_("What customers could complain of"), max_length=300)


class HandForm(forms.Form):
    owner = forms.ModelChoiceField(label=_("Person in charge"), queryset=User.objects.none())

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owners = [user.pk for user in owners_of(campaign)]
        self.fields["owner"].queryset = User.objects.filter(pk__in=owners)  # type: ignore[attr-defined]


class ClearForm(forms.Form):
    why = forms.CharField(label=_("Why this is no risk any more"), max_length=500)


def owners_of(campaign: Campaign) -> list[User]:
    """Who may be in charge of a risk of the campaign."""
    rows = User.objects.filter(is_active=True, memberships__role__in=[*PLANNERS, *GATEKEEPERS]).distinct()
    found = rows.order_by("display_name", "pk")[:MOST_OWNERS]
    return [user for user in found if rules.can_keep_risks(user, campaign)]
