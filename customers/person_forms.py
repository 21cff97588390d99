"""Input of the pages of customers, suppressions, sources and rules of contact; the services decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from core.calendar import day_bounds
from core.errors import DomainError
from core.filters import DayInput
from core.phones import clean_phone
from customers import rule_scopes
from customers.models import ContactRule, QuietTime, Segment, Source, Suppression
from customers.rule_values import MOST_ATTEMPTS, clean_value
from customers.services.persons import RevealReason
from customers.services.segment_rules import KEYS as SEGMENT_KEYS
from people.models import City, User


class NumberForm(forms.Form):
    """A number typed by hand; its fault is the sentence of the cleaner."""

    number = forms.CharField(
        label=_("Number"),
        max_length=40,
        strip=True,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off", "size": 16}),
    )

    def clean_number(self) -> str:
        number: str = self.cleaned_data["number"]
        try:
            clean_phone(number)
        except DomainError as bad:
            raise forms.ValidationError(str(bad)) from None
        return number


class SuppressForm(forms.Form):
    """Somebody is not to be called at all, from now on."""

    kind = forms.ChoiceField(
        label=_("Reason"),
        choices=[
            (value, label)
            for value, label in Suppression.Kind.choices
            if value
            in (
                Suppression.Kind.MANUAL,
                Suppression.Kind.REFUSAL,
                Suppression.Kind.COMPLAINT,
                Suppression.Kind.REGISTER,
            )
        ],
        initial=Suppression.Kind.REFUSAL,
    )
    until = forms.DateField(label=_("Last day"), widget=DayInput(), required=False, help_text=_("Empty: for ever."))
    note = forms.CharField(label=_("Note"), max_length=200, required=False)

    def told(self) -> dict[str, Any]:
        """What the service asks for: the end is the midnight after the last day."""
        until = self.cleaned_data["until"]
        return {
            "kind": self.cleaned_data["kind"],
            "note": self.cleaned_data["note"],
            "valid_to": day_bounds(until)[1] if until else None,
        }


class SuppressNumberForm(NumberForm, SuppressForm):
    field_order = ["number", "kind", "until", "note"]


class LiftForm(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=200)


class RevealForm(forms.Form):
    reason = forms.ChoiceField(label=_("What for"), choices=RevealReason.choices)


class TagForm(forms.Form):
    name = forms.CharField(label=_("Tag"), max_length=40)


class ConsentForm(forms.Form):
    basis = forms.CharField(
        label=_("Ground"), max_length=200, help_text=_("For example: contract, form on the web, written consent.")
    )
    stated_by = forms.CharField(label=_("Stated by"), max_length=80)
    given_on = forms.DateField(label=_("Given"), widget=DayInput())
    expires_on = forms.DateField(
        label=_("Last day"), widget=DayInput(), required=False, help_text=_("Empty: until withdrawn.")
    )
    evidence = forms.CharField(label=_("Wording or evidence"), widget=forms.Textarea(attrs={"rows": 2}), required=False)
    file = forms.FileField(
        label=_("Evidence as a file"),
        required=False,
        help_text=_("PDF, PNG, JPEG, or a recording (WAV, MP3, M4A, OGG); at most 20 MB."),
    )

    def told(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            "basis": data["basis"], "stated_by": data["stated_by"], "evidence": data["evidence"], "file": data["file"],
            "given_at": day_bounds(data["given_on"])[0], "expires_at": day_bounds(data["expires_on"])[1] if data["expires_on"] else None,
        }  # fmt: skip


class QuietTimeForm(forms.Form):
    """When the customer does not want to be called, by the clock of the customer's own city."""

    days = forms.TypedMultipleChoiceField(
        label=_("Days"), coerce=int, choices=[(number + 1, name) for number, name in WEEKDAYS.items()],
        widget=forms.CheckboxSelectMultiple, initial=[1, 2, 3, 4, 5, 6, 7],
    )  # fmt: skip
    begins = forms.CharField(
        label=_("From"), max_length=5, widget=forms.TextInput(attrs={"size": 5, "placeholder": "12:00"})
    )
    ends = forms.CharField(
        label=_("To"), max_length=5, widget=forms.TextInput(attrs={"size": 5, "placeholder": "14:00"}),
        help_text=_("An earlier hour than the first lies on the day after."),
    )  # fmt: skip
    last_day = forms.DateField(label=_("Last day"), widget=DayInput(), required=False, help_text=_("Empty: for ever."))
    stated_on = forms.DateField(label=_("Stated"), widget=DayInput())
    way = forms.ChoiceField(label=_("How"), choices=QuietTime.Way.choices)
    stated_by = forms.CharField(label=_("Stated by"), max_length=80)


class GreyForm(forms.Form):
    """The conditions under which somebody is called."""

    purposes = forms.MultipleChoiceField(
        label=_("Only for these purposes"), widget=forms.CheckboxSelectMultiple, required=False,
        choices=rule_scopes.purposes, help_text=_("None chosen: for any purpose."),
    )  # fmt: skip
    callback_only = forms.BooleanField(label=_("Only when the customer asked for a call"), required=False)
    opens = forms.CharField(
        label=_("Only from"), max_length=5, required=False, widget=forms.TextInput(attrs={"size": 5, "placeholder": "09:00"})
    )  # fmt: skip
    closes = forms.CharField(
        label=_("Only to"), max_length=5, required=False, widget=forms.TextInput(attrs={"size": 5, "placeholder": "12:00"}),
        help_text=_("Hours of the clock where the customer lives. Empty: at any calling hour."),
    )  # fmt: skip
    most_attempts = forms.IntegerField(
        label=_("At most so many attempts"), required=False, min_value=1, max_value=MOST_ATTEMPTS
    )
    in_days = forms.IntegerField(
        label=_("In so many days"), required=False, min_value=1, max_value=366,
        help_text=_("Days of 24 hours; attempts of all campaigns together count. Empty: as the rules of contact say."),
    )  # fmt: skip
    until = forms.DateField(label=_("Last day"), widget=DayInput(), required=False, help_text=_("Empty: for ever."))
    reason = forms.CharField(label=_("Why"), max_length=200)
    source = forms.CharField(label=_("Source"), max_length=80)

    def told(self) -> dict[str, Any]:
        """What the service asks for: the end is the midnight after the last day."""
        data = dict(self.cleaned_data)
        until = data.pop("until")
        return {**data, "valid_to": day_bounds(until)[1] if until else None}


class GreyNumberForm(NumberForm, GreyForm):
    field_order = [
        "number", "purposes", "callback_only", "opens", "closes", "most_attempts", "in_days", "until", "reason", "source",
    ]  # fmt: skip


class SourceForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    kind = forms.ChoiceField(label=_("Kind"), choices=Source.Kind.choices)
    supplier = forms.CharField(label=_("Supplier"), max_length=120, required=False)
    price = forms.DecimalField(label=_("Price per row"), min_value=0, max_digits=12, decimal_places=2, initial=0)

    def told(self) -> dict[str, Any]:
        """What the services ask for, the price in cents."""
        data = dict(self.cleaned_data)
        cents = int(data.pop("price") * 100)
        return {**data, "price_cents": cents}


class PackForm(forms.Form):
    code = forms.SlugField(label=_("Code"), max_length=20)
    name = forms.CharField(label=_("Name"), max_length=120)
    simulator_only = forms.BooleanField(label=_("Only with the simulated telephone"), required=False)


# ---------------------------------------------------------------- a rule, by its key


def _clock(label: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=5, widget=forms.TextInput(attrs={"size": 5, "placeholder": "09:00"}))


def _hours_fields() -> dict[str, forms.Field]:
    days = forms.TypedMultipleChoiceField(
        label=_("Days"), coerce=int, choices=[(number + 1, name) for number, name in WEEKDAYS.items()],
        widget=forms.CheckboxSelectMultiple, initial=[1, 2, 3, 4, 5, 6, 7],
    )  # fmt: skip
    return {"days": days, "opens": _clock(_("From")), "closes": _clock(_("To"))}


def _number(label: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label)


PARTS: dict[str, Callable[[], dict[str, forms.Field]]] = {
    "hours": _hours_fields,
    "cap": lambda: {"most": _number(_("Attempts")), "hours": _number(_("In hours"))},
    "gap": lambda: {"minutes": _number(_("Minutes"))},
    "answered_per_day": lambda: {"most": _number(_("Calls per day"))},
    "refusal_rest": lambda: {"days": _number(_("Days"))},
    "register_age": lambda: {"days": _number(_("Days"))},
    "consent": lambda: {
        "needed": forms.TypedChoiceField(
            label=_("Consent"), coerce=lambda text: text == "1", choices=[("1", _("needed")), ("0", _("not needed"))]
        )
    },
}


def _scope(label: Any, choices: list[tuple[int, str]], every: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label, choices=[("", every), *choices], coerce=int, empty_value=None, required=False
    )


class RuleForm(forms.Form):
    """A proposal: the parts of the rule, how hard it is, from when, on what basis, and why."""

    severity = forms.ChoiceField(
        label=_("Does"), choices=ContactRule.Severity.choices, initial=ContactRule.Severity.BLOCK
    )
    holds_from = forms.DateField(
        label=_("Holds from"),
        widget=DayInput(),
        help_text=_("Approved later than this, it holds from the approval on."),
    )
    basis = forms.CharField(
        label=_("Basis"), max_length=200, required=False, help_text=_("The law, or whose decision.")
    )
    reason = forms.CharField(label=_("Why"), max_length=200, help_text=_("Whoever decides reads this."))
    at_once = forms.BooleanField(
        label=_("Holds at once"), required=False,
        help_text=_("In an emergency, and only for what tightens: it holds from this moment and is confirmed afterwards."),
    )  # fmt: skip

    def __init__(self, *args: Any, key: str, user: User, with_place: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.key = key
        parts = PARTS[key]()
        self.fields = {**parts, **self.fields}
        self.parts = list(parts)
        if with_place:
            self._add_scope(user)
        if with_place and key == ContactRule.Key.HOURS:
            del self.fields["at_once"]  # hours of one pack add up: new ones never tighten

    def _add_scope(self, user: User) -> None:
        scope = user.scope()
        cities = City.objects.order_by("name")
        self.fields["city"] = forms.ModelChoiceField(
            cities if scope.is_region else cities.filter(pk__in=scope.city_ids), label=_("City"), required=False,
            empty_label=_("every city"),
        )  # fmt: skip
        campaigns, products = (rule_scopes.choices(kind, user) for kind in (rule_scopes.CAMPAIGN, rule_scopes.PRODUCT))
        self.fields["campaign_id"] = _scope(_("Campaign"), campaigns, _("every campaign"))
        self.fields["product_id"] = _scope(_("Product"), products, _("every product"))
        if self.key in SEGMENT_KEYS:
            self.fields["segment"] = forms.ModelChoiceField(
                Segment.objects.visible_to(user).live().filter(counted_at__isnull=False).order_by("name", "pk"), label=_("Segment"),
                required=False, empty_label=_("everybody"),
                help_text=_("Binds its customers alone, as counted; the rules for everybody bind them as well, and the strictest counts."),
            )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        value = {part: data.pop(part) for part in self.parts if part in data}
        if not self.errors:
            try:
                data["value"] = clean_value(self.key, value)
            except DomainError as bad:
                raise forms.ValidationError(str(bad)) from None
        return data


class RuleEndForm(forms.Form):
    holds_from = forms.DateField(
        label=_("First day without the rule"), widget=DayInput(),
        help_text=_("Approved later than this, it ends with the approval."),
    )  # fmt: skip
    reason = forms.CharField(label=_("Why"), max_length=200, help_text=_("Whoever decides reads this."))


class RegisterForm(forms.Form):
    """The file of an edition of a do-not-call register."""

    file = forms.FileField(
        label=_("File"), help_text=_("Excel workbook (.xlsx) or CSV, up to 60 MB; one number a row.")
    )
    source = forms.CharField(
        label=_("Source"), max_length=60, help_text=_("Whose register it is; always the same words.")
    )
    dated_on = forms.DateField(label=_("Date of the register"), widget=DayInput())
    is_whole = forms.BooleanField(
        label=_("Whole register, or its last part"), required=False, initial=True,
        help_text=_("Only then are numbers lifted that are in it no longer."),
    )  # fmt: skip
    may_shrink = forms.BooleanField(
        label=_("May hold less than half of the numbers of the edition before"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].widget.attrs |= {"accept": ".xlsx,.csv"}


class RefuseForm(forms.Form):
    reason = forms.CharField(label=_("Reason of the refusal"), max_length=200)
