"""Web input about orders and the history of another dialer."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns import rules
from people.models import User


class OrderEventForm(forms.Form):
    """When it happened (the region's time) and why. Whether that can be is judged by the service."""

    occurred_at = forms.DateTimeField(
        label=_("Happened"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    reason = forms.CharField(label=_("Reason"), max_length=200)


class CallFileForm(forms.Form):
    file = forms.FileField(label=_("File"), help_text=_("Excel workbook (.xlsx) or CSV, at most 60 MB."))
    makes_missing = forms.BooleanField(
        label=_("Make what is missing"),
        required=False,
        help_text=_(
            "Campaigns, products, teams, agents and customers that are not known yet are made; otherwise their rows are rejected."
        ),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not rules.can_make_missing(user):
            del self.fields["makes_missing"]
