"""Input of the pages of data requests; the services decide."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns import desk_fields
from campaigns.models import Campaign, DataRequest
from campaigns.services.data_requests import MOST, OVER, Asked
from core.filters import DayInput
from customers.models import Segment
from customers.segment_forms import city_field
from people.models import User

BETWEEN = re.compile(r"[,;，；、\n]")
HIDDEN = ""
USUAL = timedelta(days=30)


def _attributes(label: Any, help_text: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=1000,
        required=False,
        widget=forms.TextInput(attrs={"list": "attributes"}),
    )


class DataRequestForm(forms.Form):
    """What a request says besides its conditions."""

    campaign = forms.ModelChoiceField(Campaign.objects.none(), label=_("Campaign"))
    wanted = forms.IntegerField(
        label=_("How many customers"),
        min_value=1,
        max_value=MOST,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 8}),
    )
    order = forms.ChoiceField(
        label=_("Who of them"),
        choices=DataRequest.Order.choices,
        help_text=_("When more fit than are asked for."),
    )
    segment = forms.ModelChoiceField(
        Segment.objects.none(),
        label=_("Saved segment"),
        required=False,
        empty_label=_("none: by the conditions"),
        help_text=_("Its conditions, as they stand today, are taken instead of those beside."),
    )
    needed_on = forms.DateField(label=_("Needed by"), widget=DayInput())
    use_until = forms.DateField(
        label=_("Last day of use"),
        widget=DayInput(),
        help_text=_("On the day after, open leads of this request are withdrawn."),
    )
    reason = forms.CharField(label=_("Why"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, user: User, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        campaigns = Campaign.objects.visible_to(user).exclude(stage__in=[*OVER, Campaign.Stage.HISTORY])
        self.fields["campaign"].queryset = campaigns.order_by("name")
        self.fields["segment"].queryset = Segment.objects.visible_to(user).live().order_by("name")
        self.fields["needed_on"].initial, self.fields["use_until"].initial = today, today + USUAL
        fields = {"campaign": self.fields.pop("campaign"), "city": city_field(user), **self.fields}
        self.fields = fields | _visible_fields()

    def plain_fields(self) -> list[Any]:
        return [self[name] for name in self.fields if not name.startswith(("see_", "attributes_"))]

    def desk_fields(self) -> list[Any]:
        return [self[name] for name in self.fields if name.startswith(("see_", "attributes_"))]

    def asked(self, conditions: Any) -> Asked:
        data = self.cleaned_data
        plain = ("wanted", "order", "segment", "needed_on", "use_until", "reason")
        return Asked(conditions=conditions, fields=self._seen(), **{name: data[name] for name in plain})

    def _seen(self) -> dict[str, str]:
        data = self.cleaned_data
        found = {name: data[f"see_{name}"] for name in desk_fields.COLUMNS if data[f"see_{name}"]}
        for way in (desk_fields.SHOWN, desk_fields.MASKED):
            for name in BETWEEN.split(data[f"attributes_{way}"]):
                if name.strip():
                    # named in both: masked
                    found[desk_fields.ATTRIBUTE + name.strip()] = way
        return found


def _visible_fields() -> dict[str, forms.Field]:
    """A choice for each column, and two lists of attributes. What is not named is not shown."""
    ways = [(HIDDEN, _("not shown")), *desk_fields.WAYS.items()]
    found: dict[str, forms.Field] = {
        f"see_{name}": forms.ChoiceField(label=label, choices=ways, required=False)
        for name, label in desk_fields.COLUMNS.items()
    }
    found["attributes_shown"] = _attributes(
        _("Attributes shown"), _("Headings of columns of your lists, with commas between them.")
    )
    found["attributes_masked"] = _attributes(_("Attributes masked"), _("Of these only the first character is shown."))
    return found
