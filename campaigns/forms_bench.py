"""Input of the test bench of the rules of contact."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from people.models import User


class BenchForm(forms.Form):
    """For which campaign, and when."""

    campaign = forms.ModelChoiceField(Campaign.objects.none(), label=_("Campaign"))
    moment = forms.DateTimeField(
        label=_("Moment"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Campaign.objects.visible_to(user).exclude(stage=Campaign.Stage.HISTORY)
        self.fields["campaign"].queryset = rows.order_by("name")  # type: ignore[attr-defined]
