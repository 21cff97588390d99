"""Web input for objections, answers, phrases, scenarios and cards of guidance maps."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from scripts.forms import SeenForm
from scripts.models import GuidanceCard, Objection, ObjectionAnswer, Phrase, Scenario
from scripts.services_objections import OBJECTION_FIELDS, PHRASE_FIELDS
from scripts.services_scenarios import FORM_FIELDS, SCENARIO_FIELDS

LINES = {"rows": 3}


class ObjectionForm(SeenForm):
    SEEN = OBJECTION_FIELDS

    class Meta:
        model = Objection
        fields = OBJECTION_FIELDS


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


class PhraseForm(SeenForm):
    SEEN = PHRASE_FIELDS

    class Meta:
        model = Phrase
        fields = PHRASE_FIELDS
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


class ScenarioForm(SeenForm):
    """A scenario without its conditions, which the builder holds."""

    SEEN = SCENARIO_FIELDS

    class Meta:
        model = Scenario
        fields = FORM_FIELDS
        widgets = {
            "picture": forms.Textarea(attrs={"rows": 4}),
            "lines": forms.Textarea(attrs={"rows": 4}),
            "sms_text": forms.Textarea(attrs={"rows": 2}),
        }


class CardForm(forms.ModelForm):
    class Meta:
        model = GuidanceCard
        fields = ["text", "note", "quadrant"]
