"""What people enter about recordings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qa.models import Clip, KeepRule
from qa.sound.limits import MOST_SECONDS
from scripts.models import Objection, Product

LATEST = MOST_SECONDS * 1000


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("Recording"),
        help_text=_("WAV, MP3 or Opus, mono or stereo; at most 200 MB and 3 hours."),
        allow_empty_file=True,  # the service says what is wrong with it
        widget=forms.ClearableFileInput(attrs={"accept": ".wav,.mp3,.opus,.ogg,audio/*"}),
    )


class NoteForm(forms.Form):
    """Milliseconds, as the player has them."""

    from_ms = forms.IntegerField(min_value=0, max_value=LATEST, widget=forms.HiddenInput())
    until_ms = forms.IntegerField(min_value=1, max_value=LATEST, required=False, widget=forms.HiddenInput())
    text = forms.CharField(label=_("Remark"), max_length=1000, required=False, widget=forms.TextInput())


class ClipForm(forms.Form):
    from_ms = forms.IntegerField(min_value=0, max_value=LATEST, widget=forms.HiddenInput())
    until_ms = forms.IntegerField(min_value=1, max_value=LATEST, widget=forms.HiddenInput())
    title = forms.CharField(label=_("What is good about it"), max_length=120)
    stage = forms.ChoiceField(label=_("Stage"), choices=Clip.Stage.choices)
    objection = forms.ModelChoiceField(
        label=_("Objection"), queryset=Objection.objects.none(), required=False, empty_label=_("none")
    )
    consent = forms.ChoiceField(label=_("Consent"), choices=Clip.Consent.choices)
    keep_days = forms.TypedChoiceField(
        label=_("Kept for"),
        coerce=int,
        choices=[(90, _("90 days")), (365, _("1 year")), (730, _("2 years"))],
        initial=365,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["objection"].queryset = Objection.objects.filter(retired_at=None).order_by("text")  # type: ignore[attr-defined]


class KeepRuleForm(forms.ModelForm):
    """Entered again for the same product and calls, it replaces what was there."""

    class Meta:
        model = KeepRule
        fields = ("product", "of_sales", "days", "is_duty", "basis")
        widgets = {"days": forms.TextInput(attrs={"inputmode": "decimal", "size": 5})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["product"].queryset = Product.objects.order_by("name")  # type: ignore[attr-defined]

    def validate_unique(self) -> None:
        """The service replaces the rule."""

    def validate_constraints(self) -> None:
        """As above; the days are bounded by their field."""

    def clean_days(self) -> int:
        days = self.cleaned_data["days"]
        if not 1 <= days <= 7300:
            raise forms.ValidationError(_("From 1 to 7,300 days."))
        return days
