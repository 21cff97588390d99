"""Web input for costs."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, Cost
from campaigns.periods import months
from people.models import City, User
from scripts.forms import MoneyField

MONTHS_BACK = 24


class CostForm(forms.Form):
    """One cost. Who covers only cities chooses one of them, or a campaign of it."""

    month = forms.TypedChoiceField(label=_("Month"), coerce=lambda text: date.fromisoformat(f"{text}-01"))
    kind = forms.ChoiceField(label=_("Kind"), choices=[("", "–"), *Cost.Kind.choices])
    amount_cents = MoneyField(label=_("Amount"), widget=forms.TextInput(attrs={"inputmode": "decimal", "size": 12}))
    city = forms.ModelChoiceField(label=_("City"), queryset=City.objects.none(), required=False)
    campaign = forms.ModelChoiceField(label=_("Campaign"), queryset=Campaign.objects.none(), required=False)
    spread = forms.ChoiceField(
        label=_("Shared among those left open"),
        choices=Cost.Spread.choices,
        required=False,
        help_text=_(
            "By what a cost without a city is shared among the cities, and one without a campaign among the campaigns: by the figures of its own month."
        ),
    )
    note = forms.CharField(label=_("Note"), max_length=200, required=False)

    def __init__(self, *args: Any, user: User, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["month"].choices = months(today, MONTHS_BACK)
        self.fields["city"].queryset = City.objects.visible_to(user).order_by("name")
        self.fields["city"].empty_label = _("all cities") if user.scope().is_region else "–"
        self.fields["campaign"].queryset = Campaign.objects.visible_to(user).order_by("code")
        self.fields["campaign"].empty_label = _("all campaigns")

    def clean_amount_cents(self) -> int:
        cents: int = self.cleaned_data["amount_cents"]
        if cents <= 0:
            raise forms.ValidationError(_("Enter an amount above nothing."))
        return cents
