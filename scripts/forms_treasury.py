"""Web input for objections, answers, phrases, scenarios and cards of guidance maps."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from scripts.models import GuidanceCard, Objection, ObjectionAnswer, Phrase, Scenario

LINES = {"rows": 3}


class ObjectionForm(forms.ModelForm):
    class Meta:
        model = Objection
        fields = ["text", "product", "reason"]


class AnswerForm(forms.ModelForm):
    class Meta:
        model = ObjectionAnswer
        fields = ["text", "call_id", "second"]
        widgets = {
            "text": forms.Textarea(attrs=LINES),
            "call_id": forms.TextInput(attrs={"inputmode": "numeric", "size": 10}),
            "second": forms.TextInput(attrs={"inputmode": "numeric", "size": 6}),
        }

    def clean(self) -> dict[str, Any]:
        return _moment_has_call(self)


class PhraseForm(forms.ModelForm):
    class Meta:
        model = Phrase
        fields = ["text", "product", "part", "call_id", "second"]
        widgets = {
            "text": forms.Textarea(attrs=LINES),
            "call_id": forms.TextInput(attrs={"inputmode": "numeric", "size": 10}),
            "second": forms.TextInput(attrs={"inputmode": "numeric", "size": 6}),
        }

    def clean(self) -> dict[str, Any]:
        return _moment_has_call(self)


def _moment_has_call(form: forms.ModelForm) -> dict[str, Any]:
    values = form.cleaned_data
    if values.get("second") is not None and values.get("call_id") is None:
        form.add_error("call_id", _("Say which call this second belongs to."))
    return values


class ScenarioForm(forms.ModelForm):
    """A scenario without its conditions, which the builder holds."""

    class Meta:
        model = Scenario
        fields = ["name", "product", "moment", "picture", "lines", "sms_text", "article"]
        widgets = {
            "picture": forms.Textarea(attrs={"rows": 4}),
            "lines": forms.Textarea(attrs={"rows": 4}),
            "sms_text": forms.Textarea(attrs={"rows": 2}),
        }


class CardForm(forms.ModelForm):
    class Meta:
        model = GuidanceCard
        fields = ["text", "note", "quadrant"]
