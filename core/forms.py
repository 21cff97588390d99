from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.filters import DayInput
from core.models import Holiday


class HolidayForm(forms.ModelForm):
    """One special day. Entered again, it replaces what was there."""

    is_workday = forms.TypedChoiceField(
        label=_("The day is"),
        choices=[("0", _("free")), ("1", _("worked"))],
        coerce=lambda value: value == "1",
        initial="0",
    )

    class Meta:
        model = Holiday
        fields = ("day", "is_workday", "name")
        widgets = {"day": DayInput()}

    def validate_unique(self) -> None:
        """The service replaces the day."""

    def clean_name(self) -> Any:
        return self.cleaned_data["name"].strip()
