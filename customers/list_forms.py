"""Forms of the pages about lead lists."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers import left_scopes
from customers.corrections import CITY, PHONE, Way
from customers.models import Customer, LeadList, Source
from customers.models.lists import FIELDS_OF_KNOWN
from people.models import City, User

OTHER = ""
KNOWN_FIELDS = [(name, Customer._meta.get_field(name).verbose_name) for name in FIELDS_OF_KNOWN]


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

    known = forms.ChoiceField(
        label=_("Customers who are known already"),
        choices=LeadList.Known.choices,
        initial=LeadList.Known.UPDATE,
        widget=forms.RadioSelect,
        required=False,
    )
    known_fields = forms.MultipleChoiceField(
        label=_("Only these values"),
        choices=KNOWN_FIELDS,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("For “take only some values”."),
    )
    known_days = forms.IntegerField(
        label=_("Leave out who came within the last days"),
        min_value=1,
        max_value=3650,
        required=False,
        help_text=_("Empty: however long a customer has been known."),
    )
    left_list = forms.ModelChoiceField(
        label=_("Leave out who is on this earlier list"),
        queryset=LeadList.objects.none(),
        required=False,
        empty_label=_("none"),
        help_text=_("A committed list; for the list of a city, one of the same city."),
    )
    left_campaign = forms.TypedChoiceField(
        label=_("Leave out who is or was in this campaign"),
        coerce=int,
        empty_value=None,
        required=False,
        help_text=_(
            "Only for a list of the whole region: what is left out of a city's list would tell whom other cities know."
        ),
    )
    left_campaign_days = forms.IntegerField(
        label=_("Only who came into the campaign within the last days"),
        min_value=1,
        max_value=3650,
        required=False,
        help_text=_("Empty: however long ago."),
    )
    map_first = forms.BooleanField(
        label=_("Choose sheet and columns before the check"),
        required=False,
        help_text=_("Else they are found by their headings; they can be chosen later too."),
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
        earlier = self.fields["left_list"]
        assert isinstance(earlier, forms.ModelChoiceField)
        committed = LeadList.objects.visible_to(user).filter(status=LeadList.Status.COMMITTED)
        earlier.queryset = committed.order_by("-committed_at", "-pk")
        self._offer_campaigns(user, is_region=is_region)
        self.fields["file"].widget.attrs |= {"accept": ".xlsx,.csv", "data-file": "id_name"}

    def _offer_campaigns(self, user: User, *, is_region: bool) -> None:
        """Nobody without the region is asked for what only the region may ask."""
        campaign = self.fields["left_campaign"]
        assert isinstance(campaign, forms.TypedChoiceField)
        found = left_scopes.choices(left_scopes.CAMPAIGN, user) if is_region else []
        campaign.choices = [("", _("none")), *found]
        if not found:
            del self.fields["left_campaign"], self.fields["left_campaign_days"]

    def _city(self) -> forms.ModelChoiceField:
        field = self.fields["city"]
        assert isinstance(field, forms.ModelChoiceField)
        return field

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("source") and not data.get("new_source", "").strip():
            self.add_error("source", _("Choose the source, or name a new one."))
        data["known"] = data.get("known") or LeadList.Known.UPDATE
        if data["known"] != LeadList.Known.FIELDS:
            data["known_fields"] = []
        elif not data.get("known_fields"):
            self.add_error("known_fields", _("Choose at least one value."))
        return data


class TakeBackForm(forms.Form):
    """Why a committed list is taken back; asked once."""

    reason = forms.CharField(label=_("Why"), max_length=200, help_text=_("Kept with the list."))

    def __init__(self, *args: Any, must_say_why: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = must_say_why


class RowForm(forms.Form):
    """One staged row. `seen` says what stands in the file where a field cannot hold it."""

    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    phone = forms.CharField(label=_("Phone number"), max_length=160, required=False)
    city = forms.ChoiceField(label=_("City"), required=False)
    type = forms.ChoiceField(label=_("Type"), required=False, choices=[("", "–"), *Customer.Type.choices])
    gender = forms.ChoiceField(label=_("Gender"), required=False, choices=[("", "–"), *Customer.Gender.choices])
    age = forms.CharField(
        label=_("Age"), max_length=10, required=False, widget=forms.TextInput(attrs={"inputmode": "numeric"})
    )
    external_id = forms.CharField(label=_("Customer number"), max_length=64, required=False)

    def __init__(
        self,
        *args: Any,
        cities: list[tuple[str, str]],
        mask: str = "",
        seen: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        city = self.fields["city"]
        assert isinstance(city, forms.ChoiceField)
        city.choices = [("", "–"), *cities]
        self.fields["phone"].widget.attrs |= {"placeholder": mask, "autocomplete": "off", "inputmode": "tel"}
        for name, text in (seen or {}).items():
            self.fields[name].help_text = _("In the file: %(seen)s") % {"seen": text}


class CorrectionForm(forms.Form):
    """One value for all rows with a fault. Which control holds the value depends on the field."""

    spelling = forms.ChoiceField(label=_("Rows that say"), required=False)
    value = forms.CharField(required=False)

    def __init__(
        self, *args: Any, way: Way, spellings: list[tuple[str, str]], cities: list[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        spelling = self.fields["spelling"]
        assert isinstance(spelling, forms.ChoiceField)
        spelling.choices = [("", _("anything")), *spellings]
        if not spellings:
            del self.fields["spelling"]
        if way.kind in ("cut", "empty"):
            del self.fields["value"]
            return
        self.fields["value"] = self._value(way, cities)

    def _value(self, way: Way, cities: list[tuple[str, str]]) -> forms.Field:
        if way.field == PHONE:
            return forms.CharField(
                label=_("Digits before the number"), required=False, max_length=7,
                help_text=_("0 where Excel has eaten it, or the area code of landlines, such as 0757."),
                widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
            )  # fmt: skip
        if way.field == CITY:
            return forms.ChoiceField(label=_("City"), choices=[("", "–"), *cities], required=False)
        words: dict[str, Any] = {"type": Customer.Type.choices, "gender": Customer.Gender.choices}
        if way.field in words:
            return forms.ChoiceField(
                label=_("Value for all"), choices=[("", _("empty")), *words[way.field]], required=False
            )
        return forms.CharField(
            label=_("Value for all"), required=False, max_length=3, help_text=_("Empty: the rows are taken without an age."),
            widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        )  # fmt: skip
