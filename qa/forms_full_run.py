"""Forms of the first hours of a full run."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from people.models import User
from people.scopes import scope_in
from qa import limits, rules
from qa.models import FullRun, FullRunSheet, QualityForm
from qa.services.full_run import OVER


class LimitsForm(forms.Form):
    """One field for each indicator, in percent; an empty one is no limit."""

    def __init__(self, *args: Any, run: FullRun | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = {limit.indicator: f"{limit.percent:g}" for limit in run.limits.all()} if run else {}
        for key, side in limits.SIDES.items():
            words = _("%(indicator)s, at least, percent") if side == "least" else _("%(indicator)s, at most, percent")
            self.fields[key] = forms.FloatField(
                label=words % {"indicator": limits.label(key)}, required=False, min_value=0.01, max_value=99.99, initial=kept.get(key),
                widget=forms.TextInput(attrs={"inputmode": "decimal", "size": 6}),
            )  # fmt: skip

    def shares(self) -> dict[str, float]:
        """{indicator: share of 1} of the fields filled in."""
        found = {key: self.cleaned_data.get(key) for key in limits.SIDES}
        return {key: value / 100 for key, value in found.items() if value is not None}


class PrepareForm(LimitsForm):
    campaign = forms.ModelChoiceField(label=_("Campaign"), queryset=Campaign.objects.none())
    form = forms.ModelChoiceField(label=_("Form"), queryset=QualityForm.objects.none())
    picks = forms.IntegerField(
        label=_("Recordings drawn at each hour"), min_value=1, max_value=200, initial=10,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 6}),
    )  # fmt: skip

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope = scope_in(user, rules.MONITORS)
        open_ones = Campaign.objects.visible_to(user).exclude(stage__in=OVER).filter(full_run=None).order_by("code")
        own = open_ones if scope.is_region else open_ones.filter(city__in=scope.city_ids)
        self.fields["campaign"].queryset = own  # type: ignore[attr-defined]
        published = QualityForm.objects.filter(versions__status="published").exclude(purpose="recruiting")
        self.fields["form"].queryset = published.order_by("code")  # type: ignore[attr-defined]


class DecisionForm(forms.Form):
    decision = forms.ChoiceField(label=_("Decision"), choices=FullRunSheet.Verdict.choices)
    reason = forms.CharField(
        label=_("Reason"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Needed when you decide other than the limits say."),
    )  # fmt: skip
