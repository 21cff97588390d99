"""Forms of satisfaction."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from people.models import City, User
from people.scopes import scope_in
from qa.models import Questionnaire, SurveyRule
from qa.rules import Role

MOST = {"share": 100, "rest_days": 1825, "valid_days": 60}


class SurveyRuleForm(forms.ModelForm):
    class Meta:
        model = SurveyRule
        fields = ("questionnaire", "city", "campaign", "share", "rest_days", "valid_days", "channel", "via")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope = scope_in(user, (Role.QA,))
        fields: dict[str, Any] = self.fields
        cities = City.objects.order_by("name")
        fields["city"].queryset = cities if scope.is_region else cities.filter(pk__in=scope.city_ids)
        fields["city"].required = not scope.is_region
        fields["city"].empty_label = _("whole region") if scope.is_region else None
        campaigns = Campaign.objects.visible_to(user).order_by("code")
        fields["campaign"].queryset = fields["via"].queryset = campaigns
        fields["campaign"].empty_label = _("all")
        fields["via"].empty_label = _("none")
        fields["questionnaire"].queryset = Questionnaire.objects.order_by("code", "-number")
        for name, most in MOST.items():
            fields[name] = forms.IntegerField(
                label=fields[name].label, initial=fields[name].initial, min_value=1, max_value=most,
                widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 5}),
            )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        is_callback = cleaned.get("channel") == SurveyRule.Channel.CALLBACK
        if "channel" in cleaned and is_callback != bool(cleaned.get("via")):
            self.add_error("via", _("Callbacks need the campaign whose agents call back; a text message needs none."))
        return cleaned


class QuestionnaireForm(forms.ModelForm):
    class Meta:
        model = Questionnaire
        fields = ("code", "question_zh", "question_en", "open_zh", "open_en")
