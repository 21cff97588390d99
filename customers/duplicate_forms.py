"""Input of the pages of possible same persons; the services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.models import SamePerson
from people.models import City, User


class LookForm(forms.Form):
    city = forms.ModelChoiceField(City.objects.none(), label=_("City"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cities = City.objects.visible_to(user).order_by("name")
        self.fields["city"].queryset = cities  # type: ignore[attr-defined]
        self.initial.setdefault("city", cities.first())


class MergeForm(forms.Form):
    """Which of the two stays. The lower id came first, and is proposed."""

    keep = forms.TypedChoiceField(label=_("Who stays"), coerce=int)

    def __init__(self, *args: Any, pair: SamePerson, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["keep"].choices = [  # type: ignore[attr-defined]
            (customer.pk, f"{customer} (#{customer.pk})" if str(customer) != f"#{customer.pk}" else str(customer))
            for customer in (pair.first, pair.second)
        ]
