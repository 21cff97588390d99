"""Web input for planning an experiment."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, Experiment
from campaigns.models.experiments import MOST_ARMS
from campaigns.services.experiments import ArmPlan
from scripts.models import Offer, Scenario, ScriptVersion

Kind = Experiment.Kind
LETTERS = "ABCD"
DECIMAL = forms.TextInput(attrs={"inputmode": "decimal"})


def things_of(kind: str, campaign: Campaign, today: date) -> QuerySet[Any]:
    """What may be compared: of the campaign's product, and usable in calls."""
    if kind == Kind.OFFER:
        return Offer.objects.valid_on(today).filter(product=campaign.product_id).order_by("name")
    if kind == Kind.SCENARIO:
        usable = [Scenario.Status.PILOT, Scenario.Status.IN_USE]
        return Scenario.objects.filter(product=campaign.product_id, status__in=usable).order_by("name")
    versions = ScriptVersion.objects.usable().filter(script__product=campaign.product_id)
    return versions.select_related("script").order_by("script__name", "-number")


class ExperimentForm(forms.ModelForm):
    """An experiment of one kind with up to four arms: "thing_1" and "share_1" of the first, and so on; empty arms are left out."""

    class Meta:
        model = Experiment
        fields = [
            "name",
            "question",
            "indicator",
            "usual_percent",
            "smallest_points",
            "looks",
            "per_arm",
            "stops_for_harm",
        ]
        widgets = {"question": forms.Textarea(attrs={"rows": 3}), "usual_percent": DECIMAL, "smallest_points": DECIMAL}
        help_texts = {
            "indicator": _(
                "Cancellations come up to two months after the sale: an experiment judged by them, or by final success, runs that much longer."
            ),
            "smallest_points": _("A smaller difference would not be worth the change. 1 means: from 5 to 6 percent."),
            "looks": _("So often the figures are judged, at equal distances; in between nothing is decided."),
            "per_arm": _(
                "Customers reached, or for cancellations customers won. Empty: as many as the smallest difference asks for."
            ),
        }

    def __init__(self, *args: Any, campaign: Campaign, kind: str, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.campaign, self.instance.kind = campaign, kind
        self.fields["per_arm"].required = False
        self.fields["looks"] = forms.TypedChoiceField(
            label=self.fields["looks"].label,
            choices=[(n, n) for n in range(1, 6)],
            coerce=int,
            initial=3,
            help_text=self.fields["looks"].help_text,
        )
        self.things = things_of(kind, campaign, today)
        self._add_arms(campaign, kind)

    def _add_arms(self, campaign: Campaign, kind: str) -> None:
        """The first arm is what the campaign has now, unless the draft says otherwise."""
        planned = {arm.number: arm for arm in self.instance.arms.all()} if self.instance.pk else {}
        usual = {Kind.SCRIPT: campaign.script_version_id, Kind.OFFER: campaign.offer_id}.get(Kind(kind))
        for number in range(1, MOST_ARMS + 1):
            arm = planned.get(number)
            thing = arm.thing.pk if arm and arm.thing else usual if number == 1 and not planned else None
            share = arm.share if arm else 50 if number <= 2 and not planned else None
            is_needed = number <= 2
            self.fields[f"thing_{number}"] = forms.ModelChoiceField(
                label=_("Arm %(letter)s") % {"letter": LETTERS[number - 1]},
                queryset=self.things,
                required=is_needed,
                initial=thing,
                help_text=_("The others are compared with this one.") if number == 1 else "",
            )
            self.fields[f"share_{number}"] = forms.IntegerField(
                label=_("Share of arm %(letter)s, percent") % {"letter": LETTERS[number - 1]},
                min_value=1,
                max_value=99,
                required=is_needed,
                initial=share,
            )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        for number in range(1, MOST_ARMS + 1):
            if values.get(f"thing_{number}") and values.get(f"share_{number}") is None and not self._is_faulty(number):
                self.add_error(f"share_{number}", _("Say how many percent of the persons meet this arm."))
        return values

    def _is_faulty(self, number: int) -> bool:
        return f"share_{number}" in self.errors

    def arms(self) -> list[ArmPlan]:
        values = self.cleaned_data
        chosen = [(values[f"thing_{number}"], values[f"share_{number}"]) for number in range(1, MOST_ARMS + 1)]
        return [ArmPlan(thing, share) for thing, share in chosen if thing is not None]
