"""Pages of satisfaction: the customer's own, what came of it, by which rules, and what agents write down on callbacks."""

from __future__ import annotations

import time
from datetime import date, timedelta

from axes.helpers import get_client_ip_address
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.cache import caches
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns.queries_calls import Names
from core.calendar import business_date, midnight, month_start
from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from core.numbers import number_or_none
from people.access import must
from qa import queries_surveys as queries, rules
from qa.forms_surveys import QuestionnaireForm, SurveyRuleForm
from qa.models import Questionnaire
from qa.services import surveys as services

PAGE, WORDS = 50, 20
MONTHS = (1, 3, 6, 12)
A_MINUTE, MOST_A_MINUTE = 60, 60  # many customers share one address of their mobile network
STATUS = {services.NoSuchSurvey: 404, services.AnsweredBefore: 410, services.SurveyOver: 410}


# -- the customer's page -----------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "POST"])
@login_not_required
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """One question by a signed link. Whatever is wrong with the link is a calm sentence that tells nothing of anybody."""
    if _too_many(request):
        return _public(request, {"sentence": _("Too many at once. Please try again in a minute.")}, 429)
    at, fault = database_now(), ""
    try:
        if request.method == "POST":
            score = number_or_none(request.POST.get("score", ""), services.BEST)
            words = request.POST.get("words", "").replace("\0", "")
            try:
                services.answer(token=token, score=score, words=words, at=at)
            except services.NotAnAnswer as refusal:
                fault = str(refusal)
            else:
                return _public(request, {"sentence": _("Thank you. Your answer is kept."), "is_done": True})
        ask = services.open_ask(token, at=at)
    except DomainError as refusal:
        return _public(request, {"sentence": str(refusal)}, STATUS.get(type(refusal), 400))
    told = {"questionnaire": ask.rule.questionnaire, "fault": fault, "words": request.POST.get("words", "")}
    return _public(request, told, 422 if fault else 200)


def _public(request: HttpRequest, told: dict[str, object], status: int = 200) -> HttpResponse:
    page = render(request, "qa/survey_answer.html", {**told, "scores": range(1, services.BEST + 1)}, status=status)
    page.headers["Referrer-Policy"] = "same-origin"  # the link is the key; no other house is told it
    page.headers["X-Robots-Tag"] = "noindex"
    return page


def _too_many(request: HttpRequest) -> bool:
    """Counted by address and minute. Each minute has a count of its own, there for longer than it is asked: one that ended while it is
    added to would begin again without an end."""
    key, shared = f"qa.survey/{get_client_ip_address(request)}/{int(time.time()) // A_MINUTE}", caches["shared"]
    shared.add(key, 0, 2 * A_MINUTE)
    try:
        return shared.incr(key) > MOST_A_MINUTE
    except ValueError:  # the server that counts is away
        return False


# -- results -----------------------------------------------------------------------------------------------------------


@never_cache
@require_GET
def results(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_surveys(request.user))
    asked = number_or_none(request.GET.get("months", ""), max(MONTHS))
    months = asked if asked in MONTHS else 3
    by = request.GET.get("by", "")
    by = by if by in queries.GROUPS else "campaign"
    since = _first_of(business_date(database_now()), months)
    begins = midnight(since)
    whole, groups = queries.results(request.user, by=by, since=begins)
    page = Paginator(groups, PAGE).get_page(request.GET.get("page"))
    names = Names()
    said = queries.words_shown(request.user, since=begins)[:WORDS]
    context = {
        "by": by, "groups": queries.GROUPS.items(), "group_name": queries.GROUPS[by], "months": months, "all_months": MONTHS, "since": since,
        "whole": whole, "page": page, "rows": page.object_list, "least": queries.LEAST,
        "refused": queries.refused(request.user, since=begins),
        "messages_by_state": queries.messages_by_state(request.user, since=begins),
        "said": [(row, names.campaigns.get(row.ask.campaign_id, "")) for row in said],
    }  # fmt: skip
    return render(request, "qa/surveys.html", context)


def _first_of(today: date, months: int) -> date:
    """The first day of so many months, this one included."""
    since = month_start(today)
    for _month in range(months - 1):
        since = month_start(since - timedelta(days=1))
    return since


# -- rules and questionnaires ------------------------------------------------------------------------------------------


@never_cache
@require_GET
def survey_rules(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_surveys(request.user))
    user = request.user
    rows = [(row, row.ended_at is None and rules.can_survey_in(user, row.city)) for row in queries.rules_shown(user)]
    context = {
        "rows": rows,
        "questionnaires": Questionnaire.objects.order_by("code", "-number"),
        "may_write": rules.can_write_surveys(user),
        "crumbs": _crumbs(),
    }
    return render(request, "qa/survey_rules.html", context)


def _crumbs() -> list[tuple[str, str]]:
    return [(_("Satisfaction"), reverse("qa:surveys"))]


def _rule_crumbs() -> list[tuple[str, str]]:
    return [*_crumbs(), (_("Rules of surveys"), reverse("qa:survey-rules"))]


@require_http_methods(["GET", "POST"])
def rule_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_write_surveys(request.user))
    form = SurveyRuleForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            services.make_rule(by=request.user, at=database_now(), **form.cleaned_data)
        except PermissionRefused:
            raise
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The rule is on: calls that begin from now on are drawn by it."))
            return redirect("qa:survey-rules")
    context = {"form": form, "crumbs": _rule_crumbs()}
    return render(request, "qa/survey_rule_new.html", context, status=422 if form.errors else 200)


@require_POST
def rule_end(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_write_surveys(request.user))
    row = get_object_or_404(queries.rules_shown(request.user), pk=pk)
    services.end_rule(rule=row, by=request.user, at=database_now())
    messages.success(request, _("The rule has ended. Who was asked can still answer."))
    return redirect("qa:survey-rules")


@require_http_methods(["GET", "POST"])
def questionnaire_new(request: HttpRequest) -> HttpResponse:
    """A new questionnaire, or the next version of one: what was asked stays as it was asked."""
    must(request, rules.can_write_surveys(request.user))
    last = Questionnaire.objects.filter(code=request.GET.get("of", "")[:20]).order_by("-number").first()
    texts = ("code", "question_zh", "question_en", "open_zh", "open_en")
    initial = {name: getattr(last, name) for name in texts} if last else {}
    form = QuestionnaireForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        made = services.make_questionnaire(by=request.user, at=database_now(), **form.cleaned_data)
        messages.success(request, _("Version %(number)s is made. Rules take it when they are made.") % {"number": made.number})  # fmt: skip
        return redirect("qa:survey-rules")
    context = {"form": form, "crumbs": _rule_crumbs()}
    return render(request, "qa/questionnaire_new.html", context, status=422 if form.errors else 200)


# -- callbacks ---------------------------------------------------------------------------------------------------------


@never_cache
@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """The surveys of the customers whom the agent calls back."""
    must(request, rules.can_record_answers(request.user))
    rows = queries.to_record(request.user, at=database_now())[:PAGE]
    return render(request, "qa/surveys_mine.html", {"rows": rows, "scores": range(1, services.BEST + 1)})


@require_POST
def record(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_record_answers(request.user))
    at = database_now()
    ask = get_object_or_404(queries.to_record(request.user, at=at), pk=pk)
    score = number_or_none(request.POST.get("score", ""), services.BEST)
    try:
        services.record_answer(ask=ask, score=score, words=request.POST.get("words", ""), by=request.user, at=at)
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The answer is kept."))
    return redirect("qa:surveys-mine")
