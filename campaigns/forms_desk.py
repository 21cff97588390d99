"""What the result panel sends."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _, gettext_lazy

from campaigns.guide import Notes, NotesUnreadable, read_answers, read_text
from campaigns.services.orders import Sale
from campaigns.services.results import saved_when, waited_for
from scripts.models import Offer, Product

ANSWER = "answer-"
NO_OFFER = "none"


class OfferField(forms.ModelChoiceField):
    """An offer; NO_OFFER where the agent chose none; None where nothing was said."""

    def clean(self, value: Any) -> Any:
        return NO_OFFER if value == NO_OFFER else super().clean(value)


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
    offer = OfferField(Offer.objects.all(), required=False)
    amount = forms.DecimalField(
        min_value=0, max_digits=12, decimal_places=2, required=False,
        error_messages={"invalid": gettext_lazy("Write the amount as a number, like 199.00.")},
    )  # fmt: skip
    order_number = forms.CharField(max_length=64, required=False)
    waited = forms.IntegerField(min_value=0, required=False)
    notes = forms.CharField(required=False)

    def clean(self) -> dict[str, Any]:
        """The answers are read with the fields: what cannot be kept is refused here, with a sentence."""
        data = super().clean() or self.cleaned_data
        try:
            data["answers"] = read_answers(self._answers())
        except NotesUnreadable as fault:
            self.add_error(None, str(fault))
        return data

    def first_fault(self) -> str:
        """The first thing that is wrong, as a sentence."""
        for faults in self.errors.values():
            return str(faults[0])
        return _("The result could not be read.")

    def _answers(self) -> dict[str, Any]:
        """{question id: answer}; a list where several were chosen. Empty answers are left out."""
        found: dict[str, Any] = {}
        for name in self.data:
            number = name.removeprefix(ANSWER)
            if name.startswith(ANSWER) and number.isascii() and number.isdecimal():
                values = [value.strip() for value in self._values(name) if value.strip()]
                if values:
                    found[number] = values if len(values) > 1 else values[0]
        return found

    def _values(self, name: str) -> list[str]:
        getlist = getattr(self.data, "getlist", None)
        return getlist(name) if getlist else [str(self.data[name])]

    def for_service(self, *, at: datetime) -> dict[str, Any]:
        """Arguments of results.record_result()."""
        data = self.cleaned_data
        waited = waited_for(data["waited"] or 0)
        return {
            "disposition_code": data["disposition"],
            "callback_at": data["callback_at"],
            "order": self._sale() if data["is_sale"] else None,
            "reason": data["reason"],
            "note": data["note"],
            "step_id": data["step"],
            "answers": data["answers"],
            "notes": self._notes(saved_when(at, waited)),
            "waited": waited,
        }

    def _notes(self, at: datetime) -> Notes | None:
        """What the window noted. What cannot be read is as good as nothing: the result counts all the same, with what was kept before."""
        try:
            return read_text(self.cleaned_data["notes"], at=at) if self.cleaned_data["notes"] else None
        except NotesUnreadable:
            return None

    def _sale(self) -> Sale:
        data = self.cleaned_data
        amount: Decimal | None = data["amount"]
        has_no_offer = data["offer"] == NO_OFFER
        return Sale(
            number=data["order_number"].strip(),
            product=data["product"],
            offer=None if has_no_offer else data["offer"],
            has_no_offer=has_no_offer,
            amount_cents=int(amount * 100) if amount is not None else None,
        )

    def fingerprint(self) -> dict[str, Any]:
        """What was posted, but for how long it waited: a repeat has waited longer and is the same result."""
        return {name: self._values(name) for name in sorted(self.data) if name not in ("waited", "csrfmiddlewaretoken")}
