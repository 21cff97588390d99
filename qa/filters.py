"""Filters of recordings, clips and evaluations, for pages and API alike."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from campaigns.filters import YES_NO, CircumstanceFilter, common_results, visible_rows
from campaigns.models import Campaign
from core.filters import FromDayFilter, ToDayFilter
from core.numbers import LARGEST_ID
from metrics.questions import reach_of
from people.models import Team
from qa.models import Clip, Evaluation, QualityForm, Recording
from qa.models.evaluations import DRAWN_PICKS
from scripts.models import Objection

LENGTHS = {"short": (0, 30), "middle": (30, 120), "long": (120, 600), "longest": (600, None)}
LENGTH_WORDS = [
    ("short", _("under 30 seconds")),
    ("middle", _("30 seconds to 2 minutes")),
    ("long", _("2 to 10 minutes")),
    ("longest", _("10 minutes and more")),
]


def number_of(group: str) -> django_filters.NumberFilter:
    """The number of a city, team, agent or campaign as the link of a figure says it."""
    return django_filters.NumberFilter(
        field_name=f"{group}_id", method="by_number", widget=forms.HiddenInput(), min_value=1, max_value=LARGEST_ID
    )


class OfFigureFilter(CircumstanceFilter):
    """A figure's link names places and persons by number, also those that the reader could not choose from a list: the rows are cut to
    what the reader may see, and a number that is not theirs finds nothing."""

    of_city, of_team = number_of("city"), number_of("team")
    of_agent, of_campaign = number_of("agent"), number_of("campaign")

    def by_number(self, rows: QuerySet, name: str, value: Any) -> QuerySet:
        return rows.filter(**{name: value})


class RecordingFilter(CircumstanceFilter):
    """`length` is a class of lengths; `call` the number of one call."""

    since = FromDayFilter(label=_("From"), field_name="call_started_at")
    until = ToDayFilter(label=_("To"), field_name="call_started_at")
    campaign = django_filters.ModelChoiceFilter(
        label=_("Campaign"), queryset=visible_rows(Campaign, "code"), empty_label=_("all"), method="by_id"
    )
    team = django_filters.ModelChoiceFilter(
        label=_("Team"), queryset=visible_rows(Team, "code"), empty_label=_("all"), method="by_id"
    )
    agent_code = django_filters.CharFilter(
        label=_("Agent"), method="by_agent_code", widget=forms.TextInput(attrs={"type": "search", "size": 8})
    )
    result = django_filters.ChoiceFilter(
        label=_("Result"), choices=common_results, empty_label=_("all"), method="by_result"
    )
    length = django_filters.ChoiceFilter(
        label=_("Length"), choices=LENGTH_WORDS, empty_label=_("all"), method="by_length"
    )
    heard = django_filters.ChoiceFilter(label=_("Heard by me"), choices=YES_NO, empty_label=_("all"), method="by_heard")
    call = django_filters.NumberFilter(
        field_name="call_id", widget=forms.HiddenInput(), min_value=1, max_value=LARGEST_ID
    )

    class Meta:
        model = Recording
        fields: list[str] = []

    def by_length(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        least, below = LENGTHS[value]
        rows = rows.filter(seconds__gte=least)
        return rows if below is None else rows.filter(seconds__lt=below)

    def by_heard(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(is_heard=value == "1")


def _objections(request: Any) -> QuerySet:
    return Objection.objects.filter(retired_at=None).order_by("text")


class ClipFilter(django_filters.FilterSet):
    stage = django_filters.ChoiceFilter(label=_("Stage"), choices=Clip.Stage.choices, empty_label=_("all"))
    objection = django_filters.ModelChoiceFilter(label=_("Objection"), queryset=_objections, empty_label=_("all"))

    class Meta:
        model = Clip
        fields: list[str] = []


def _forms(request: Any) -> QuerySet:
    return QualityForm.objects.order_by("code")


def _told(rows: QuerySet) -> QuerySet:
    """Only those whose agent is told: what is found under a name tells the name."""
    return rows.filter(is_blind=False)


class EvaluationFilter(OfFigureFilter):
    """`since` and `until` are days of the call; `call` the number of one call; `found`: what figures tell apart."""

    since = FromDayFilter(label=_("From"), field_name="call_started_at")
    until = ToDayFilter(label=_("To"), field_name="call_started_at")
    team = django_filters.ModelChoiceFilter(
        label=_("Team"), queryset=visible_rows(Team, "code"), empty_label=_("all"), method="by_id"
    )
    agent_code = django_filters.CharFilter(
        label=_("Agent"), method="by_agent_code", widget=forms.TextInput(attrs={"type": "search", "size": 8})
    )
    form = django_filters.ModelChoiceFilter(
        label=_("Form"), queryset=_forms, empty_label=_("all"), field_name="version__form"
    )
    outcome = django_filters.ChoiceFilter(label=_("Outcome"), method="by_outcome", empty_label=_("all"), choices=[
        ("pass", pgettext_lazy("score", "Passed")), ("fail", _("Failed")), ("none", _("Too little applied")), ("draft", _("Not submitted")), ("withdrawn", _("Taken back")),
    ])  # fmt: skip
    pick = django_filters.ChoiceFilter(label=_("Why this call"), method="by_pick", empty_label=_("all"), choices=[
        *Evaluation.Pick.choices, ("published", _("counted in published figures")),
    ])  # fmt: skip
    appeal = django_filters.ChoiceFilter(label=_("Appeal"), field_name="appeal_state", empty_label=_("all"), choices=[
        ("open", _("waits for a decision")), ("decided", _("is decided")),
    ])  # fmt: skip
    call = django_filters.NumberFilter(
        field_name="call_id", widget=forms.HiddenInput(), min_value=1, max_value=LARGEST_ID
    )

    found = django_filters.ChoiceFilter(label=pgettext_lazy("evaluation", "Found"), method="by_found", empty_label=_("all"), choices=[
        ("score", _("with a score")), ("grave", _("failed by one answer")),
    ])  # fmt: skip

    class Meta:
        model = Evaluation
        fields: list[str] = []

    def by_number(self, rows: QuerySet, name: str, value: Any) -> QuerySet:
        return super().by_number(_told(rows), name, value)

    def by_found(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        rows = rows.submitted()  # type: ignore[attr-defined]
        return rows.filter(reported__isnull=False) if value == "score" else rows.filter(is_grave=True)

    def by_id(self, rows: QuerySet, name: str, value: Any) -> QuerySet:
        return super().by_id(_told(rows), name, value)

    def by_agent_code(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return super().by_agent_code(_told(rows), name, value)

    def by_outcome(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        if value == "draft":
            return rows.filter(submitted_at=None, withdrawn_at=None)
        if value == "withdrawn":
            return rows.exclude(withdrawn_at=None)
        return rows.submitted().filter(outcome="" if value == "none" else value)

    def by_pick(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Not the user's own of those that were drawn: a scorer does not learn which of them are scored twice. Of those that count in figures
        as many as the reader's figures reach: not what was said of former calls of the reader's own elsewhere."""
        published = value == "published"
        if published:
            reach = reach_of(self.request.user).rows
            rows = rows.submitted().filter(reach, pick__in=Evaluation.PUBLISHED_PICKS)  # type: ignore[attr-defined]
        else:
            rows = rows.filter(pick=value)
        return rows.exclude(scorer=self.request.user) if published or value in DRAWN_PICKS else rows
