"""Input of the pages of persons' requests and of canary customers; the services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.filters import DayInput
from customers.models import Customer, PersonRequest, Source
from customers.person_forms import NumberForm
from people.models import City, Membership, User

ATTRIBUTE = "attribute-"


class RequestForm(forms.Form):
    kind = forms.ChoiceField(label=_("Request"), choices=PersonRequest.Kind.choices)
    way = forms.ChoiceField(label=_("Came by"), choices=PersonRequest.Way.choices)
    received_on = forms.DateField(label=_("Received"), widget=DayInput())


class AnswerForm(forms.Form):
    """What the person is told, next to what is done."""

    answer = forms.CharField(
        label=_("Answer"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("What the person is told. Rests sealed."),
    )  # fmt: skip


class RefuseForm(forms.Form):
    answer = forms.CharField(label=_("Why"), max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))


class UnlockForm(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=200)


class CorrectForm(AnswerForm):
    """The data as they are, to be written over. Attributes have a row each, under their own name."""

    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    type = forms.ChoiceField(label=_("Type"), choices=[("", "–"), *Customer.Type.choices], required=False)
    gender = forms.ChoiceField(label=_("Gender"), choices=[("", "–"), *Customer.Gender.choices], required=False)
    age = forms.IntegerField(label=_("Age"), min_value=0, max_value=150, required=False)
    city = forms.ModelChoiceField(City.objects.none(), label=_("City"))

    def __init__(self, *args: Any, customer: Customer, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.customer = customer
        self.fields["city"].queryset = City.objects.visible_to(user).order_by("name")  # type: ignore[attr-defined]
        self.initial = {name: getattr(customer, name) for name in ("name", "type", "gender", "age", "city")}
        self.names = list(customer.attributes)
        for place, name in enumerate(self.names):
            value = customer.attributes[name]
            self.fields[f"{ATTRIBUTE}{place}"] = forms.CharField(label=name, max_length=500, required=False)
            self.initial[f"{ATTRIBUTE}{place}"] = "" if value is None else str(value)
        self.order_fields([*(name for name in self.fields if name != "answer"), "answer"])

    def changes(self) -> dict[str, Any]:
        told = {name: self.cleaned_data[name] for name in ("name", "type", "gender", "age", "city")}
        return {**told, "attributes": self._attributes()}

    def _attributes(self) -> dict[str, Any]:
        """What was not written over keeps its kind: a number stays a number; what was emptied goes."""
        found = {}
        for place, name in enumerate(self.names):
            old, new = self.customer.attributes[name], self.cleaned_data[f"{ATTRIBUTE}{place}"]
            if new == ("" if old is None else str(old)):
                found[name] = old
            elif new:
                found[name] = _like(old, new)
        return found


def _like(old: Any, new: str) -> Any:
    """A number in place of a number, else the text."""
    if isinstance(old, int | float) and not isinstance(old, bool):
        try:
            return type(old)(new)
        except ValueError:
            pass
    return new


class CanaryForm(NumberForm):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("Like a real one, and nobody's."))
    city = forms.ModelChoiceField(City.objects.none(), label=_("City"))
    source = forms.ModelChoiceField(
        Source.objects.order_by("name"), label=_("Source"), required=False, help_text=_("As its neighbours have.")
    )
    alert_to = forms.ModelChoiceField(
        User.objects.none(), label=_("Who is alerted"), help_text=_("An administrator; nobody else knows.")
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["city"].queryset = City.objects.visible_to(user).order_by("name")  # type: ignore[attr-defined]
        found = Membership.objects.filter(role=Membership.Role.ADMINISTRATOR).values("user")
        self.fields["alert_to"].queryset = User.objects.filter(pk__in=found, is_active=True).order_by("display_name")  # type: ignore[attr-defined]


class CanaryCallForm(NumberForm):
    called_at = forms.DateTimeField(
        label=_("When"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    caller = forms.CharField(
        label=_("Who called"), max_length=200, required=False, help_text=_("Number shown, name, firm. Rests sealed.")
    )


class SettleForm(forms.Form):
    finding = forms.CharField(label=_("What came of it"), max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))
