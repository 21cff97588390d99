"""Input of the pages of segments; the services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.models import Segment
from customers.services.segments import Grid, Square, Told
from people.models import City, User

STRATEGY = forms.Textarea(attrs={"rows": 3})


def city_field(user: User) -> forms.ModelChoiceField:
    """The cities of the user; the whole region for who sees it."""
    is_region = user.scope().is_region
    cities = City.objects.visible_to(user).order_by("name")
    return forms.ModelChoiceField(
        cities,
        label=_("City"),
        required=not is_region,
        empty_label=_("whole region") if is_region else None,
        initial=None if is_region else cities.first(),
    )


class SegmentForm(forms.Form):
    """What a segment says besides its conditions; where it lies is settled when it is made."""

    name = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(label=_("Description"), max_length=300, required=False)
    strategy = forms.CharField(label=_("Strategy"), widget=STRATEGY, max_length=4000, required=False)
    target = forms.IntegerField(
        label=_("Target, customers"),
        min_value=0,
        max_value=2**31 - 1,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    refresh = forms.ChoiceField(label=_("Counted anew"), choices=Segment.Refresh.choices)
    tag = forms.CharField(
        label=_("Tag"),
        max_length=40,
        required=False,
        help_text=_("Set on its customers and taken off whoever leaves; shown on the desk. Empty: none."),
    )

    def __init__(self, *args: Any, user: User, segment: Segment | None = None, **kwargs: Any) -> None:
        if segment is not None:
            kwargs["initial"] = {
                "name": segment.name,
                "description": segment.description,
                "strategy": segment.strategy,
                "target": segment.target,
                "refresh": segment.refresh,
                "tag": segment.tag.name if segment.tag else "",
            }
        super().__init__(*args, **kwargs)
        if segment is None:
            self.fields = {"name": self.fields.pop("name"), "city": city_field(user), **self.fields}

    def told(self, conditions: Any) -> Told:
        data = {name: value for name, value in self.cleaned_data.items() if name != "city"}
        return Told(conditions=conditions, **data)


SQUARES: dict[str, tuple[Any, Any]] = {
    "NO IT": (_("NO IT: use nothing of the kind"), _("Not called. Moved by marketing activity until they use some.")),
    "BIG": (_("BIG: bought from us already"), _("Grown: more of what they use, the larger plan, loyalty.")),
    "HIPO": (_("HIPO: use it, high potential"), _("Won first: the best agents, the strongest offer.")),
    "LOPO": (_("LOPO: use it, low potential"), _("Won at low cost: simple offer, few attempts.")),
}


def _decimal(label: Any, initial: float) -> forms.FloatField:
    return forms.FloatField(
        label=label, initial=initial, widget=forms.TextInput(attrs={"inputmode": "decimal", "size": 8})
    )


class GridForm(forms.Form):
    """The rules by which four segments are told apart, and the strategy and target of each."""

    use = forms.CharField(
        label=_("Attribute that tells the use"),
        max_length=100,
        help_text=_("The heading of a column of your lists, for example minutes a month."),
        widget=forms.TextInput(attrs={"list": "attributes"}),
    )
    use_from = _decimal(_("Uses it from"), 1)
    bought_days = forms.IntegerField(label=_("Bought in the last days"), min_value=1, max_value=1095, initial=365)
    potential = forms.CharField(
        label=_("Attribute that tells the potential"),
        max_length=100,
        widget=forms.TextInput(attrs={"list": "attributes"}),
        help_text=_("For example ARPU."),
    )
    potential_from = _decimal(_("High potential from"), 100)
    refresh = forms.ChoiceField(
        label=_("Counted anew"), choices=Segment.Refresh.choices, initial=Segment.Refresh.WEEKLY
    )
    sets_tags = forms.BooleanField(label=_("Set a tag of the same name on the customers"), required=False, initial=True)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields = {"city": city_field(user), **self.fields}
        for name, (label, strategy) in SQUARES.items():
            key = name.replace(" ", "_")
            self.fields[f"strategy_{key}"] = forms.CharField(
                label=label, initial=strategy, max_length=4000, widget=forms.Textarea(attrs={"rows": 2}), required=False
            )
            self.fields[f"target_{key}"] = forms.IntegerField(
                label=_("Target, customers"),
                min_value=0,
                max_value=2**31 - 1,
                required=False,
                widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 8}),
            )

    def told(self) -> dict[str, Any]:
        """What the service asks for."""
        data = self.cleaned_data
        grid = Grid(**{name: data[name] for name in ("use", "use_from", "bought_days", "potential", "potential_from")})
        squares = {
            name: Square(strategy=data[f"strategy_{key}"], target=data[f"target_{key}"])
            for name in SQUARES
            if (key := name.replace(" ", "_"))
        }
        return {
            "grid": grid, "squares": squares, "city": data["city"], "refresh": data["refresh"], "sets_tags": data["sets_tags"],
        }  # fmt: skip
