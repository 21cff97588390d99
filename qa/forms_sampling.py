"""The form of a sampling plan."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from people.models import City, User
from people.scopes import scope_in
from qa.models import QualityForm, SamplingPlan
from qa.rules import Role

COUNTS = ("picks", "new_days", "new_picks", "complaint_days", "complaint_picks", "least_seconds", "due_days")
MOST = {
    "picks": 50,
    "new_picks": 50,
    "complaint_picks": 50,
    "new_days": 730,
    "complaint_days": 730,
    "due_days": 90,
    "least_seconds": 3600,
}
LEAST = {"picks": 1, "due_days": 1}


class PlanForm(forms.ModelForm):
    strata = forms.MultipleChoiceField(
        label=_("Spread over"), choices=SamplingPlan.Stratum.choices, required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Each group has its share of the calls drawn; every call of an agent has the same chance."),
    )  # fmt: skip

    class Meta:
        model = SamplingPlan
        fields = ("name", "form", "city", "campaign", "period", "picks", "strata", "new_picks", "new_days", "complaint_picks", "complaint_days", "least_seconds", "due_days", "blind")  # fmt: skip

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._keep_to_place(user)
        self.fields["form"].queryset = (
            QualityForm.objects.filter(  # type: ignore[attr-defined]
                versions__status="published"
            )
            .exclude(purpose="recruiting")
            .order_by("code")
        )
        for name in COUNTS:
            self.fields[name] = forms.IntegerField(
                label=self.fields[name].label, initial=self.fields[name].initial, min_value=LEAST.get(name, 0), max_value=MOST[name],
                widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 5}),
            )  # fmt: skip

    def _keep_to_place(self, user: User) -> None:
        scope = scope_in(user, (Role.QA,))
        city, campaign = self.fields["city"], self.fields["campaign"]
        cities = City.objects.order_by("name")
        city.queryset = cities if scope.is_region else cities.filter(pk__in=scope.city_ids)  # type: ignore[attr-defined]
        city.required = not scope.is_region
        city.empty_label = _("whole region") if scope.is_region else None  # type: ignore[attr-defined]
        campaign.queryset = Campaign.objects.visible_to(user).order_by("code")  # type: ignore[attr-defined]
        campaign.empty_label = _("all")  # type: ignore[attr-defined]
