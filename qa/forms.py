"""What people enter about recordings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qa.models import Clip
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


class KeepRuleForm(forms.Form):
    """Entered again for the same product and calls, it replaces what was there."""

    product = forms.ModelChoiceField(
        label=_("Product"), queryset=Product.objects.none(), required=False, empty_label=_("every product")
    )
    of_sales = forms.BooleanField(label=_("Only calls with a sale"), required=False)
    days = forms.IntegerField(
        label=_("Kept for, days"),
        min_value=1,
        max_value=7300,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 5}),
    )
    is_duty = forms.BooleanField(label=_("Must be kept, also when the person asks to be erased"), required=False)
    basis = forms.CharField(label=_("Basis"), max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["product"].queryset = Product.objects.order_by("name")  # type: ignore[attr-defined]
