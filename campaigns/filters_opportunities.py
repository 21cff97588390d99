"""Filters of opportunities, for page and API alike."""

from __future__ import annotations

import django_filters
from django.utils.translation import gettext_lazy as _

from campaigns.filters import FactFilter, an_agent_by_code, one_agent, one_of
from campaigns.models import Campaign, Opportunity
from core.filters import FromDayFilter, ToDayFilter
from people.models import City, Team


class OpportunityFilter(FactFilter):
    """By the day they were handed over."""

    state = django_filters.ChoiceFilter(label=_("State"), choices=Opportunity.State.choices, empty_label=_("all"))
    since = FromDayFilter(label=_("From"), field_name="handed_at")
    until = ToDayFilter(label=_("To"), field_name="handed_at")
    city = one_of(_("City"), City, "name")
    team = one_of(_("Team"), Team, "code")
    campaign = one_of(_("Campaign"), Campaign, "code")
    agent_code = an_agent_by_code()
    agent = one_agent()

    class Meta:
        model = Opportunity
        fields: list[str] = []
