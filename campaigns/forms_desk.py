"""What the result panel sends."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _, gettext_lazy

from campaigns.guide import LARGEST, read_text
from campaigns.services.orders import Sale
from campaigns.services.results import saved_when, waited_for
from core.numbers import number_or_none
from scripts.models import Offer, Product

ANSWER = "answer-"


class ResultForm(forms.Form):
    """One result. Fields named answer-<question id> are answers to the script's questions."""

    lead = forms.IntegerField()
    disposition = forms.CharField(
        max_length=40, error_messages={"required": gettext_lazy("Choose the result of the call.")}
    )
    callback_at = forms.DateTimeField(
        required=False, input_formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M"],
        error_messages={"invalid": gettext_lazy("Choose the time of the callback again.")},
    )  # fmt: skip
    reason = forms.CharField(max_length=120, required=False)
    note = forms.CharField(max_length=2000, required=False)
    step = forms.IntegerField(required=False)
    is_sale = forms.BooleanField(required=False)
    product = forms.ModelChoiceField(Product.objects.all(), required=False)
    offer = forms.ModelChoiceField(Offer.objects.all(), required=False)
    amount = forms.DecimalField(
        min_value=0, max_digits=12, decimal_places=2, required=False,
        error_messages={"invalid": gettext_lazy("Write the amount as a number, like 199.00.")},
    )  # fmt: skip
    order_number = forms.CharField(max_length=64, required=False)
    waited = forms.IntegerField(min_value=0, required=False)
    notes = forms.CharField(required=False, max_length=LARGEST)

    def first_fault(self) -> str:
        """The first thing that is wrong, as a sentence."""
        for faults in self.errors.values():
            return str(faults[0])
        return _("The result could not be read.")

    def answers(self) -> dict[int, Any]:
        """{question id: answer}; a list where several were chosen. Empty answers are left out."""
        found: dict[int, Any] = {}
        for name in self.data:
            number = number_or_none(name.removeprefix(ANSWER)) if name.startswith(ANSWER) else None
            if number is not None:
                values = [value.strip() for value in self._values(name) if value.strip()]
                if values:
                    found[number] = values if len(values) > 1 else values[0]
        return found

    def _values(self, name: str) -> list[str]:
        getlist = getattr(self.data, "getlist", None)
        return getlist(name) if getlist else [str(self.data[name])]

    def for_service(self, *, at: datetime) -> dict[str, Any]:
        """Arguments of results.record_result(). Raises NotesUnreadable."""
        data = self.cleaned_data
        waited = waited_for(data["waited"] or 0)
        return {
            "disposition_code": data["disposition"],
            "callback_at": data["callback_at"],
            "order": self._sale() if data["is_sale"] else None,
            "reason": data["reason"],
            "note": data["note"],
            "step_id": data["step"],
            "answers": self.answers(),
            "notes": read_text(data["notes"], at=saved_when(at, waited)) if data["notes"] else None,
            "waited": waited,
        }

    def _sale(self) -> Sale:
        data = self.cleaned_data
        amount: Decimal | None = data["amount"]
        return Sale(
            number=data["order_number"].strip(),
            product=data["product"],
            offer=data["offer"],
            amount_cents=int(amount * 100) if amount is not None else None,
        )

    def fingerprint(self) -> dict[str, Any]:
        """What was posted, but for how long it waited: a repeat has waited longer and is the same result."""
        return {name: self._values(name) for name in sorted(self.data) if name not in ("waited", "csrfmiddlewaretoken")}
