"""What people enter about complaints. What is wrong with it is said by the service."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from core.filters import DAYS, DayInput
from core.numbers import LARGEST_ID
from core.phones import clean_phone
from customers.rules import can_change_customers
from people.models import City, User
from qa.models import Complaint, ComplaintCategory, Severity
from qa.queries_complaint_rates import MOST_DAYS
from scripts.models import Article


def _long(rows: int = 3) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class TakeForm(forms.Form):
    """Of a call (which brings its customer and city), of a customer found by the exact number, or of a city alone."""

    number = forms.CharField(
        label=_("Customer's number"), max_length=40, required=False,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off", "size": 16}),
        help_text=_("Looked up and counted like a search; leave it empty when the customer is not known."),
    )  # fmt: skip
    city = forms.ModelChoiceField(label=_("City"), queryset=City.objects.none(), required=False, empty_label="–")
    category = forms.ModelChoiceField(label=_("Category"), queryset=ComplaintCategory.objects.none())
    severity = forms.ChoiceField(label=_("Severity"), choices=Severity.choices, initial=Severity.NORMAL)
    words = forms.CharField(label=_("What the customer says"), max_length=4000, widget=_long(4))

    def __init__(self, *args: Any, user: User, cities: QuerySet | None, **kwargs: Any) -> None:
        """`cities`: None when the call says everything."""
        super().__init__(*args, **kwargs)
        self.fields["category"].queryset = ComplaintCategory.objects.filter(is_active=True).order_by("pk")  # type: ignore[attr-defined]
        if cities is None:
            del self.fields["city"]
        else:
            self.fields["city"].queryset = cities  # type: ignore[attr-defined]
        if cities is None or not can_change_customers(user):
            del self.fields["number"]

    def clean_number(self) -> str:
        number: str = self.cleaned_data["number"].strip()
        try:
            return number and clean_phone(number) and number
        except DomainError as bad:
            raise forms.ValidationError(str(bad)) from None


class GiveForm(forms.Form):
    to = forms.ModelChoiceField(label=_("In charge"), queryset=User.objects.none(), empty_label=None)

    def __init__(self, *args: Any, people: QuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = people  # type: ignore[attr-defined]


class NoteForm(forms.Form):
    words = forms.CharField(label=_("What was done"), max_length=4000, widget=_long(2))


class AnswerForm(forms.Form):
    answer = forms.CharField(label=_("Answer to the customer"), max_length=4000, widget=_long(4))


class ReopenForm(forms.Form):
    reason = forms.CharField(label=_("Why it is opened again"), max_length=1000, widget=_long(2))


class WeighForm(forms.Form):
    severity = forms.ChoiceField(label=_("Severity"), choices=Severity.choices)
    reason = forms.CharField(label=_("Reason"), max_length=1000, widget=_long(2))


class DaysForm(forms.Form):
    """Days of calls, both included."""

    since = forms.DateField(label=_("From"), widget=DayInput(), validators=DAYS)
    until = forms.DateField(label=_("To"), widget=DayInput(), validators=DAYS)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if "since" in said and "until" in said and not 0 <= (said["until"] - said["since"]).days < MOST_DAYS:
            raise forms.ValidationError(
                _("Choose 1 to %(days)s days, the first before the last.") % {"days": MOST_DAYS}
            )
        return said


class TraceForm(forms.Form):
    cause = forms.ChoiceField(label=_("Cause"), choices=Complaint.Cause.choices)
    article = forms.ModelChoiceField(
        label=_("Article"), queryset=Article.objects.none(), required=False, empty_label=_("none")
    )
    call = forms.IntegerField(
        label=_("Number of the call"), min_value=1, max_value=LARGEST_ID, required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 12}),
    )  # fmt: skip
    words = forms.CharField(label=_("What was found"), max_length=4000, widget=_long(2))

    def __init__(self, *args: Any, complaint: Complaint, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"cause": complaint.cause, "article": complaint.cause_article_id})
        super().__init__(*args, **kwargs)
        self.fields["article"].queryset = Article.objects.filter(retired_at=None).order_by("title")  # type: ignore[attr-defined]
        if complaint.call_id is not None:
            del self.fields["call"]
