"""Web input of the script editor: what comes from the fields of one step or question, and a table to be read in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.numbers import LARGEST_ID, number_or_none
from scripts.flow import TEXTS
from scripts.models import ScriptQuestion, ScriptStep
from scripts.services_questions import ANSWERS

LONGEST = 4000
MOST_ROWS = 2 * ANSWERS  # of which those without words are left out
LONGEST_ANSWER = 200
ANSWER = forms.CharField(required=False)


def _long() -> forms.CharField:
    return forms.CharField(required=False, strip=True, max_length=LONGEST)


class StepForm(forms.Form):
    """Every field may be empty: a draft is stored as far as it goes."""

    title = forms.CharField(required=False, strip=True, max_length=120)
    text = _long()
    hint = _long()
    must_say = _long()

    def values(self) -> dict[str, str]:
        """Only what was sent; line ends as they are kept."""
        return {name: self.cleaned_data[name].replace("\r\n", "\n") for name in TEXTS if name in self.data}


class QuestionForm(forms.Form):
    text = forms.CharField(required=False, strip=True, max_length=300)
    kind = forms.ChoiceField(choices=ScriptQuestion.Kind.choices)
    is_required = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        answers, targets = self.data.getlist("answer"), self.data.getlist("target")
        if len(answers) > MOST_ROWS:
            raise forms.ValidationError(_("A question has at most %(most)s answers."), params={"most": ANSWERS})
        targets += [""] * (len(answers) - len(targets))
        values["answers"] = [
            (self._answer(answer), _target(target)) for answer, target in zip(answers, targets, strict=False)
        ]
        return values

    def _answer(self, text: str) -> str:
        """As any other field is read: not too long, and without the characters that the database cannot keep."""
        if len(text) > LONGEST_ANSWER:
            self.add_error(None, _("An answer has words, at most %(most)s characters.") % {"most": LONGEST_ANSWER})
            return ""
        try:
            return str(ANSWER.clean(text))
        except forms.ValidationError as fault:
            self.add_error(None, fault)
            return ""


def _target(text: str) -> str:
    """ "end", or the number of a step; anything else is the next step."""
    return text if text == "end" or number_or_none(text, most=LARGEST_ID) is not None else ""


class MoveForm(forms.Form):
    """Up, down, or to a place in a part."""

    to = forms.ChoiceField(choices=[("up", "up"), ("down", "down")], required=False)
    part = forms.ChoiceField(choices=ScriptStep.Part.choices, required=False)
    place = forms.IntegerField(min_value=0, max_value=1000, required=False)


class TableForm(forms.Form):
    file = forms.FileField(
        label=_("Excel table"),
        help_text=_("One row a step. Export a version first, change it in Excel, and read it back in."),
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx"}),
    )
