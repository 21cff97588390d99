"""Web input for opportunities."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.models import Opportunity
from core.filters import DAYS, DayInput
from scripts.forms import MoneyField


class HandOverForm(forms.Form):
    """What the customer wants, and who goes on with it."""

    wish = forms.CharField(label=_("What the customer wants"), max_length=400, widget=forms.Textarea(attrs={"rows": 3}))
    closer = forms.CharField(
        label=_("Who closes it"),
        max_length=120,
        help_text=_("Shop, partner, field sales or person; the name by which they are found."),
    )


PREPARED = [
    (Opportunity.Quality.GOOD, _("Good: the customer wanted it and knew what")),
    (Opportunity.Quality.FAIR, _("Fair: much was still to be explained")),
    (Opportunity.Quality.POOR, _("Poor: there was no wish, or not this one")),
]


class CloseForm(forms.Form):
    """How it ended. Whether amount, reason and day fit together is judged by the service."""

    won = forms.TypedChoiceField(
        label=_("End"),
        choices=[("", "–"), ("1", _("Won")), ("0", _("Lost"))],
        coerce=lambda text: text == "1",
        empty_value=None,
    )
    closed_on = forms.DateField(label=_("Closed on"), widget=DayInput(), validators=DAYS)
    amount_cents = MoneyField(
        label=_("Amount"),
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "size": 12}),
        help_text=_("Of what was won."),
    )
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False, help_text=_("Why it was lost."))
    quality = forms.ChoiceField(
        label=_("How well prepared"), choices=PREPARED, widget=forms.RadioSelect,
        help_text=_("It counts for the agent's result."),
    )  # fmt: skip

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["closed_on"].initial = today
