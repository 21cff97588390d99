"""Forms of calibration sessions and of the agreement page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from campaigns.models import Call
from core.calendar import day_bounds
from core.filters import DAYS, DayInput
from core.numbers import LARGEST_ID
from people.models import City, User
from people.scopes import scope_in
from qa.models import DoubleShare, FormItem, QualityForm
from qa.models.forms import ANSWERS
from qa.rules import AGREEMENT_READERS
from qa.services.scorers import Scorers

LONGEST_DUE = 90


def scoring_forms() -> QuerySet[QualityForm]:
    """Forms in force with which calls are scored."""
    rows = QualityForm.objects.filter(versions__status="published").exclude(purpose="recruiting")
    return rows.distinct().order_by("code")


class CallForm(forms.Form):
    """The number of the call that a session is about."""

    call = forms.IntegerField(
        label=_("Number of the call"), min_value=1, max_value=LARGEST_ID, widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 12}),
        help_text=_("It stands in the address of the call's page."),
    )  # fmt: skip


class SessionForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    form = forms.ModelChoiceField(label=_("Form"), queryset=QualityForm.objects.none(), empty_label=None)
    scorers = forms.ModelMultipleChoiceField(
        label=_("Scorers"), queryset=User.objects.none(), widget=forms.CheckboxSelectMultiple,
        help_text=_("Those of QA who may score this call. Each finds it in the own queue."),
    )  # fmt: skip
    due_days = forms.IntegerField(
        label=_("to be scored within, days"), min_value=1, max_value=LONGEST_DUE, initial=3, widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 5}),
    )  # fmt: skip

    def __init__(self, *args: Any, call: Call, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["form"].queryset = scoring_forms()  # type: ignore[attr-defined]
        may = User.objects.filter(pk__in=Scorers(at).of(call))
        self.fields["scorers"].queryset = may.order_by("display_name", "pk")  # type: ignore[attr-defined]


class AgreedForm(forms.Form):
    item = forms.ModelChoiceField(queryset=FormItem.objects.all())
    right_answer = forms.ChoiceField(label=_("Agreed answer"), choices=ANSWERS)
    ground = forms.CharField(label=_("Why"), max_length=1000)


class ShareForm(forms.Form):
    percent = forms.IntegerField(
        label=_("Scored twice, of 100"), min_value=DoubleShare.LEAST, max_value=DoubleShare.MOST, widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 3}),
    )  # fmt: skip


class AgreementForm(forms.Form):
    """Which calls scored twice: what cannot be read is left out, and the form says so."""

    form = forms.ModelChoiceField(
        label=_("Form"), queryset=QualityForm.objects.none(), empty_label=None, required=False
    )
    since = forms.DateField(label=_("From"), required=False, widget=DayInput(), validators=DAYS)
    until = forms.DateField(label=_("To"), required=False, widget=DayInput(), validators=DAYS)
    city = forms.ModelChoiceField(label=_("City"), queryset=City.objects.none(), empty_label=_("all"), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope, cities = scope_in(user, AGREEMENT_READERS), City.objects.order_by("name")
        self.fields["form"].queryset = scoring_forms()  # type: ignore[attr-defined]
        self.fields["city"].queryset = cities if scope.is_region else cities.filter(pk__in=scope.city_ids)  # type: ignore[attr-defined]

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """[first moment, first moment after), in whole business days."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        return day_bounds(since)[0] if since else None, day_bounds(until)[1] if until else None
