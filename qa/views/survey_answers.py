"""The calls whose customers were asked, each with its answer: the rows behind satisfaction and the response rate."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _, pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from campaigns.queries_calls import Names
from campaigns.rules import can_read_calls
from core.columns import Column
from people.access import must
from people.models import User
from qa import queries_surveys as queries, rules
from qa.figure_lists import FigureListing
from qa.filters_surveys import SurveyFilter
from qa.models import SurveyAsk


def columns(user: User, names: Names) -> list[Column]:
    may_open = can_read_calls(user)
    return [
        Column("call_started_at", _("Time of the call"), kind="moment", width=18, link=_call if may_open else None),
        Column("agent", _("Agent"), value=lambda row: names.agent(row.agent_id), sort=""),
        Column("team", _("Team"), value=lambda row: names.teams.get(row.team_id), sort=""),
        Column("city", _("City"), value=lambda row: names.cities.get(row.city_id), sort=""),
        Column("campaign", _("Campaign"), value=lambda row: names.campaigns.get(row.campaign_id), sort=""),
        Column("state", _("State"), value="get_state_display", sort=""),
        Column("score", _("Answer"), value=_score, num=True, sort=""),
        Column("words", pgettext("said", "Words"), value=_words, sort="", css="wrap"),
    ]


def _call(row: SurveyAsk) -> str:
    return reverse("campaigns:call", args=[row.call_id])


def _score(row: SurveyAsk) -> int | None:
    return row.answer.score if hasattr(row, "answer") else None


def _words(row: SurveyAsk) -> str:
    return row.answer.words if hasattr(row, "answer") and not row.is_locked else ""


@never_cache
@require_GET
def answers(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_surveys(request.user))
    names = Names()
    listing = FigureListing(
        request, queries.asks_shown(request.user), columns(request.user, names), names=names, name="qa.survey_answers",
        title=_("Answers of customers"), filterset=SurveyFilter, order="-call_started_at", may_export=False,
        empty_title=_("Nobody has been asked yet."),
        empty_text=_("A rule says what share of the answered calls is asked. Calls are drawn every quarter of an hour."),
    )  # fmt: skip
    crumbs = [(_("Satisfaction"), reverse("qa:surveys"))]
    return listing.page_or_export("qa/survey_answers.html", {"crumbs": crumbs})
