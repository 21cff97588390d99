"""Forms of the hourly bulletin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from people.models import User
from people.scopes import scope_in
from qa import rules
from qa.models import Suggestion

IMPERSONAL = _("All the floor reads it: no names, numbers or addresses of customers.")


class ComposeForm(forms.Form):
    campaign = forms.ModelChoiceField(label=_("Campaign"), queryset=Campaign.objects.none(), empty_label=None)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope = scope_in(user, rules.BULLETIN_WRITERS)
        calling = Campaign.objects.visible_to(user).filter(stage__in=Campaign.CALLING).order_by("code")
        own = calling if scope.is_region else calling.filter(city__in=scope.city_ids)
        self.fields["campaign"].queryset = own  # type: ignore[attr-defined]


class BulletinForm(forms.Form):
    text = forms.CharField(
        label=_("Text"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 5}), help_text=IMPERSONAL
    )
    keep = forms.TypedMultipleChoiceField(
        label=_("Words heard today"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, heard: Iterable[Suggestion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(row.pk, f"{row.get_kind_display()}: {row.words}") for row in heard]
        self.fields["keep"].choices = choices  # type: ignore[attr-defined]
        if not choices:
            del self.fields["keep"]


class SuggestionForm(forms.Form):
    kind = forms.ChoiceField(label=_("Kind"), choices=Suggestion.Kind.choices)
    words = forms.CharField(
        label=_("Words to pass on"), max_length=300, help_text=IMPERSONAL, widget=forms.Textarea(attrs={"rows": 2})
    )
    at_seconds = forms.IntegerField(
        label=_("At second"), min_value=0, max_value=86_400, initial=0, widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 6}),
    )  # fmt: skip
