"""Forms of the pages about lead lists."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.models import Source
from people.models import City, User

OTHER = ""


class UploadForm(forms.Form):
    """A file and whose customers it holds. Either a known source, or the name of a new one."""

    file = forms.FileField(label=_("File"), help_text=_("Excel workbook (.xlsx) or CSV, up to 60 MB."))
    name = forms.CharField(
        label=_("Name of the list"), max_length=120, required=False, help_text=_("Empty: the name of the file.")
    )
    source = forms.ModelChoiceField(
        label=_("Source"), queryset=Source.objects.none(), required=False, empty_label=_("new source, named below")
    )
    new_source = forms.CharField(label=_("New source"), max_length=80, required=False)
    new_source_kind = forms.ChoiceField(label=_("Kind of the new source"), choices=Source.Kind.choices, required=False)
    city = forms.ModelChoiceField(label=_("City"), queryset=City.objects.none(), required=False)
    consent_basis = forms.CharField(
        label=_("Consent basis"),
        max_length=200,
        help_text=_("On what ground these customers may be called: contract, form, agreement, with its date."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_region = user.scope().is_region or user.is_superuser
        cities = City.objects.all() if is_region else City.objects.visible_to(user)
        self._city().queryset = cities.order_by("name")
        self._city().required = not is_region
        self._city().empty_label = _("each row names its city") if is_region else None
        source = self.fields["source"]
        assert isinstance(source, forms.ModelChoiceField)
        source.queryset = Source.objects.order_by("name")
        self.fields["file"].widget.attrs |= {"accept": ".xlsx,.csv", "data-file": "id_name"}

    def _city(self) -> forms.ModelChoiceField:
        field = self.fields["city"]
        assert isinstance(field, forms.ModelChoiceField)
        return field

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("source") and not data.get("new_source", "").strip():
            self.add_error("source", _("Choose the source, or name a new one."))
        return data


class TakeBackForm(forms.Form):
    """Why a committed list is taken back; asked once."""

    reason = forms.CharField(label=_("Why"), max_length=200, help_text=_("Kept with the list."))

    def __init__(self, *args: Any, must_say_why: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = must_say_why
