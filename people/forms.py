"""Input of the pages of people and places, cleaned; the services decide."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts
from django.utils.translation import gettext_lazy as _

from core.filters import DayInput
from people.models import City, Membership, Region, Team, User


def zone_choices() -> list[tuple[str, Any]]:
    names = sorted(
        name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix", "right"))
    )
    return [("", _("not known: nobody is called")), *((name, name) for name in names)]


def _password_help() -> str:
    return " ".join(str(text) for text in password_validators_help_texts())


class RegionForm(forms.ModelForm):
    class Meta:
        model = Region
        fields = ("name", "name_zh", "currency", "country")


class CityForm(forms.Form):
    code = forms.SlugField(label=_("Code"), max_length=20)
    name = forms.CharField(label=_("Name"), max_length=80)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=80, required=False)
    zone = forms.ChoiceField(label=_("Time zone"), choices=zone_choices, required=False)


class TeamForm(forms.Form):
    code = forms.CharField(label=_("Code"), max_length=30)
    name = forms.CharField(label=_("Name"), max_length=80)
    city = forms.ModelChoiceField(
        City.objects.order_by("name"), label=_("City"), required=False, empty_label=_("regional")
    )


class TeamChangeForm(forms.Form):
    code = forms.CharField(label=_("Code"), max_length=30)
    name = forms.CharField(label=_("Name"), max_length=80)
    is_active = forms.BooleanField(label=_("Works still"), required=False)


class PlacedForm(forms.Form):
    """A role and where it holds."""

    role = forms.ChoiceField(label=_("Role"), choices=Membership.Role.choices)
    team = forms.ModelChoiceField(
        Team.objects.filter(is_active=True).order_by("code"),
        label=_("Team"),
        required=False,
        empty_label=_("none"),
        help_text=_("Agents and team leaders need one."),
    )
    city = forms.ModelChoiceField(
        City.objects.order_by("name"),
        label=_("City"),
        required=False,
        empty_label=_("none"),
        help_text=_("A city manager needs one. Neither team nor city: the whole region."),
    )
    valid_from = forms.DateField(label=_("From"), widget=DayInput())


class RoleForm(PlacedForm):
    valid_to = forms.DateField(
        label=_("Until"), widget=DayInput(), required=False, help_text=_("The first day on which it no longer holds.")
    )


class PersonForm(PlacedForm):
    """A new account with its first role."""

    field_order = ["username", "display_name", "password", "code", "language", "role", "team", "city", "valid_from"]

    username = forms.CharField(
        label=_("User name"), max_length=150, validators=User._meta.get_field("username").validators
    )
    display_name = forms.CharField(label=_("Name"), max_length=80)
    password = forms.CharField(
        label=_("Password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_password_help,
        strip=False,
    )
    code = forms.CharField(
        label=_("Agent code"), max_length=30, required=False, help_text=_("By which dialers and reports know an agent.")
    )
    language = forms.ChoiceField(label=_("Language"), choices=User.Language.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = _password_help()


class PersonChangeForm(forms.Form):
    display_name = forms.CharField(label=_("Name"), max_length=80)
    code = forms.CharField(label=_("Agent code"), max_length=30, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=User.Language.choices)


class MoveForm(forms.Form):
    team = forms.ModelChoiceField(Team.objects.filter(is_active=True).order_by("code"), label=_("New team"))
    valid_from = forms.DateField(
        label=_("From"), widget=DayInput(), help_text=_("Calls made before stay with the old team.")
    )


class EndForm(forms.Form):
    valid_to = forms.DateField(label=_("Until"), widget=DayInput())


class PasswordForm(forms.Form):
    password = forms.CharField(
        label=_("New password"), widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), strip=False
    )


class PreferencesForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ("language", "theme")
