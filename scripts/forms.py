"""Web input for products, offers and scripts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.forms import TellsWhatChanged
from scripts.models import Offer, Product, Script
from scripts.seen import seen_of


class MoneyField(forms.DecimalField):
    """An amount in the region's currency on the page, cents in the database."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_digits=12, decimal_places=2, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return Decimal(value) / 100 if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        amount = super().clean(value)
        return None if amount is None else int(amount * 100)


class SeenForm(forms.ModelForm):
    """Remembers in a hidden field what the row read when its page was opened."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    SEEN: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.initial["seen"] = seen_of(self.instance, self.SEEN)

    def refuse(self, sentence: str) -> None:
        """Show what was typed once more; saved again, it is meant."""
        self.add_error(None, sentence)
        self.data = self.data.copy()
        self.data["seen"] = seen_of(type(self.instance)._default_manager.get(pk=self.instance.pk), self.SEEN)


class ProductForm(TellsWhatChanged, forms.ModelForm):
    """Facts of a product; whether it may be sold is a switch of its own."""

    price_cents = MoneyField(label=_("price"), required=False)

    class Meta:
        model = Product
        fields = [
            "code",
            "name",
            "description",
            "suits",
            "price_cents",
            "selling_points",
            "mandatory_statements",
            "is_larger_plan",
        ]


class OfferForm(TellsWhatChanged, SeenForm):
    price_cents = MoneyField(label=_("price"), required=False)
    SEEN = Offer.WRITTEN_FIELDS

    class Meta:
        model = Offer
        fields = Offer.WRITTEN_FIELDS
        widgets = {
            "valid_from": forms.DateInput(attrs={"type": "date"}),
            "valid_to": forms.DateInput(attrs={"type": "date"}),
        }

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        first, last = values.get("valid_from"), values.get("valid_to")
        if first and last and last <= first:
            self.add_error("valid_to", _("An offer ends after it begins. Leave this empty when it has no end."))
        return values


class ScriptForm(forms.ModelForm):
    class Meta:
        model = Script
        fields = ["code", "name", "product", "direction"]
