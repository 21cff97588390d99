"""Web input for planning a campaign."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, Disposition, SegmentAllocation
from campaigns.services.segment_allocation import MOST
from core.forms import TellsWhatChanged
from core.numbers import LARGEST_ID, number_or_none
from core.templatetags.look import thousands
from customers.models import LeadList, RulePack, Segment
from people.models import City, Team, User
from scripts.models import Script, ScriptVersion

DATE = forms.DateInput(attrs={"type": "date"})


class VersionChoice(forms.ModelChoiceField):
    """Versions by script and number; of one that calls may not use any more, what it is now."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj) if obj.status in ScriptVersion.USABLE else f"{obj} ({obj.get_status_display()})"


class CampaignForm(TellsWhatChanged, forms.ModelForm):
    """Facts of a campaign. Cities are those the planner may see; script versions those that calls may use, and the one it has."""

    packs = forms.ModelMultipleChoiceField(
        label=_("rule packs"),
        queryset=RulePack.objects.order_by("code"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    class Meta:
        model = Campaign
        field_classes = {"script_version": VersionChoice}
        fields = [
            "code", "name", "type", "purpose", "direction", "city", "product", "offer", "script", "script_version", "packs",
            "telephony", "exclusion_group", "precedence", "starts_on", "ends_on", "target_customers", "target_success_percent",
            "target_contact_percent", "lease_seconds", "preview_limit_seconds", "after_call_limit_seconds", "stock_alert_days",
        ]  # fmt: skip
        widgets = {"starts_on": DATE, "ends_on": DATE}

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["city"].queryset = City.objects.visible_to(user).order_by("name")
        self.fields["city"].required = not user.scope().is_region
        self.fields["stock_alert_days"].required = self.fields["precedence"].required = False
        self.fields["script"].queryset = Script.objects.order_by("name")
        self.fields["script_version"].queryset = (
            ScriptVersion.objects.filter(Q(status__in=ScriptVersion.USABLE) | Q(pk__in=self._versions_shown()))
            .select_related("script")
            .order_by("script__name", "-number")
        )
        if self.instance.pk:
            self.fields["packs"].initial = list(self.instance.packs.values_list("pk", flat=True))

    def _versions_shown(self) -> list[int]:
        """The version that the campaign has, and the one it had when the page was opened: left as it was, it is nothing to refuse."""
        shown = str(self.data.get(self.add_initial_prefix("script_version"), ""))
        seen = number_or_none(shown, LARGEST_ID)
        return [pk for pk in (self.instance.script_version_id, seen) if pk]

    def clean_stock_alert_days(self) -> int:
        """Left empty: as usual."""
        days = self.cleaned_data["stock_alert_days"]
        return Campaign._meta.get_field("stock_alert_days").default if days is None else days

    def clean_precedence(self) -> int:
        """Left empty: as usual."""
        return self.cleaned_data["precedence"] or 0

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        first, last = values.get("starts_on"), values.get("ends_on")
        if first and last and last < first:
            self.add_error("ends_on", _("A campaign ends on or after the day it starts."))
        version, script = values.get("script_version"), values.get("script")
        if version and script and version.script_id != script.pk:
            self.add_error("script_version", _("This version belongs to another script."))
        if version and not script:
            values["script"] = version.script
        is_emptied = version is None and "script_version" in self.changed_data and "script_version" not in self.errors
        if is_emptied and self.instance.stage in Campaign.CALLING:
            self.add_error("script_version", _("A campaign that is calling needs a script version."))
        offer, product = values.get("offer"), values.get("product")
        if offer and product and offer.product_id != product.pk:
            self.add_error("offer", _("This offer belongs to another product."))
        return values


class TeamsForm(forms.Form):
    teams = forms.ModelMultipleChoiceField(
        label=_("teams"), queryset=Team.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, user: User, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = (
            Team.objects.visible_to(user).filter(is_active=True).select_related("city").order_by("city__name", "name")
        )
        if campaign.city_id:
            teams = teams.filter(city=campaign.city_id)
        self.fields["teams"].queryset = teams
        self.fields["teams"].label_from_instance = lambda team: (
            f"{team.city.label if team.city else _('region')} · {team.name}"
        )
        self.fields["teams"].initial = list(campaign.team_links.values_list("team", flat=True))


class RetryForm(forms.Form):
    """One retry rule; results that end a lead have none."""

    disposition = forms.ModelChoiceField(label=_("after"), queryset=Disposition.objects.none())
    delay_minutes = forms.IntegerField(label=_("call again after, minutes"), min_value=1, max_value=60 * 24 * 90)
    most_attempts = forms.IntegerField(label=_("most attempts"), min_value=1, max_value=50)

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["disposition"].queryset = Disposition.objects.for_campaign(campaign.pk).filter(
            follow=Disposition.Follow.RETRY
        )


class AllocateForm(forms.Form):
    """Give a committed list to a campaign that is not closed."""

    lead_list = forms.ModelChoiceField(label=_("list"), queryset=LeadList.objects.none())
    campaign = forms.ModelChoiceField(label=_("campaign"), queryset=Campaign.objects.none())
    priority = forms.IntegerField(
        label=_("priority"),
        min_value=0,
        max_value=9,
        initial=5,
        help_text=_("Leads of a higher priority are handed out first."),
    )
    sample_size = forms.IntegerField(
        label=_("small sample first"),
        min_value=1,
        required=False,
        help_text=_(
            "For a bought list: so many customers, drawn by lot, are called; the others wait. Empty: all are called."
        ),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        committed = LeadList.objects.visible_to(user).filter(status=LeadList.Status.COMMITTED)
        self.fields["lead_list"].queryset = committed.order_by("-committed_at")
        closed = [Campaign.Stage.CLOSED, Campaign.Stage.WRAP_UP]
        self.fields["campaign"].queryset = Campaign.objects.visible_to(user).exclude(stage__in=closed).order_by("name")


class SegmentChoice(forms.ModelChoiceField):
    """Segments with how many are in them."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({thousands(obj.count)})"


class AllocateSegmentForm(forms.Form):
    """Give a counted segment to a campaign that is not closed."""

    segment = SegmentChoice(label=_("segment"), queryset=Segment.objects.none())
    campaign = forms.ModelChoiceField(label=_("campaign"), queryset=Campaign.objects.none())
    priority = forms.IntegerField(
        label=_("priority"),
        min_value=0,
        max_value=9,
        initial=5,
        help_text=_("Leads of a higher priority are handed out first."),
    )
    most = forms.IntegerField(
        label=_("at most"),
        min_value=1,
        max_value=MOST,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 8}),
        help_text=_("So many leads, of those who can be called and are not in the campaign yet. Empty: everybody."),
    )
    order = forms.ChoiceField(
        label=_("who of them"),
        choices=SegmentAllocation.Order.choices,
        initial=SegmentAllocation.Order.RANDOM,
        required=False,
        help_text=_("When only so many are assigned."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        counted = Segment.objects.visible_to(user).live().exclude(counted_at=None)
        self.fields["segment"].queryset = counted.order_by("name", "pk")
        closed = [Campaign.Stage.CLOSED, Campaign.Stage.WRAP_UP]
        self.fields["campaign"].queryset = Campaign.objects.visible_to(user).exclude(stage__in=closed).order_by("name")

    def clean_order(self) -> str:
        return self.cleaned_data["order"] or SegmentAllocation.Order.RANDOM


class ProtectForm(forms.Form):
    name = forms.CharField(
        label=_("attribute"),
        max_length=80,
        help_text=_("As it stands on the lists, or gender, age, type, city, source, tags."),
    )
    reason = forms.CharField(label=_("reason"), max_length=200)


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("reason"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
