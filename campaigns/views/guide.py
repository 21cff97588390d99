"""The middle of the desk: notes kept as they are given, and what two letters find."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from campaigns import guide, queries_guide, queries_script, rules
from campaigns.models import Lead
from campaigns.services import arms, claim, guide as services
from campaigns.services.held import LeadNotYours
from campaigns.views.desk import agent_of
from core.clock import database_now
from core.errors import DomainError
from core.numbers import number_or_none
from people.access import must
from scripts.models import Article, Objection


@require_POST
def notes(request: HttpRequest) -> HttpResponse:
    """{"lead": 5, "notes": {...}}. 200 {"version"}; 409 with what stands when another window is ahead or the lead has gone."""
    agent, at = agent_of(request), database_now()
    try:
        asked = _body(request)
        lead = Lead(pk=int(asked["lead"]))
        kept = services.save_notes(lead=lead, agent=agent, notes=guide.read(asked["notes"], at=at), at=at)
    except services.NotesBehind as behind:
        answer = {"detail": str(behind), "code": "NotesBehind", "notes": behind.newer.as_json(at)}
        return JsonResponse(answer, status=409)
    except LeadNotYours as gone:
        return JsonResponse({"detail": str(gone), "code": "LeadNotYours"}, status=409)
    except (DomainError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return JsonResponse({"detail": _("What was noted could not be read."), "code": "NotesUnreadable"}, status=422)
    return JsonResponse({"version": kept.version})


def _body(request: HttpRequest) -> Any:
    if len(request.body) > guide.LARGEST:
        raise ValueError
    return json.loads(request.body)


@require_GET
def find(request: HttpRequest) -> HttpResponse:
    """Objections and articles for what is typed, at the step that is shown."""
    agent = agent_of(request)
    lead, text = claim.held_lead(agent), request.GET.get("q", "")
    step = number_or_none(request.GET.get("step", ""))
    found = None
    if lead is not None and queries_guide.is_enough(text.strip()):
        lead.campaign = arms.campaign_of(lead, agent)
        values = queries_script.blanks(lead, agent)
        found = queries_guide.find(lead, text, step_id=step, values=values, at=database_now())
    return render(request, "campaigns/_desk_found.html", {"found": found, "q": text.strip()})


@require_GET
def objection_success(request: HttpRequest, pk: int) -> HttpResponse:
    """A part of the objection's page: how calls went on in which its answers were shown."""
    must(request, rules.can_read_campaigns(request.user) or rules.can_work_desk(request.user))
    objection = get_object_or_404(Objection, pk=pk)
    context = {
        "answers": queries_guide.success_of_objection(objection.pk, at=database_now()),
        "days": queries_guide.LOOKED_BACK.days,
        "newest": queries_guide.NEWEST_USES,
    }
    return render(request, "campaigns/objection_success.html", context)


@require_GET
def article(request: HttpRequest, pk: int) -> HttpResponse:
    """The text of a live article, in place."""
    agent_of(request)
    return render(
        request, "campaigns/_desk_article.html", {"article": get_object_or_404(Article.objects.live(), pk=pk)}
    )
