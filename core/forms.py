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


class TellsWhatChanged:
    """For a ModelForm whose row others change meanwhile. Beside each field stands what the writer was shown, so that `changed_data` names
    what the writer changed, and not what changed under the open page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():  # type: ignore[attr-defined]
            shown = self.add_initial_prefix(name)  # type: ignore[attr-defined]
            field.show_hidden_initial = not self.is_bound or shown in self.data  # type: ignore[attr-defined]
