"""The page of an experiment: figures by arm, looks done and to come, and the end of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from campaigns import rules
from campaigns.models import Experiment
from core.clock import database_now
from metrics.trial_page import board_of
from people.access import must

State = Experiment.State


@require_GET
def experiment(request: HttpRequest, pk: int) -> HttpResponse:
    user = request.user
    must(request, rules.can_see_experiments(user))
    seen = Experiment.objects.visible_to(user)
    found = get_object_or_404(
        seen.select_related("campaign", "created_by", "started_by", "ended_by", "decided_by", "adopted"), pk=pk
    )
    board, campaign = board_of(found, database_now()), found.campaign
    may = rules.can_experiment(user, campaign)
    context = {
        "experiment": found,
        "campaign": campaign,
        "board": board,
        "is_draft": found.state == State.DRAFT,
        "may_change": may and found.state == State.DRAFT,
        "may_stop": may and found.state == State.RUNNING,
        "may_decide": may and found.state in (State.RUNNING, State.STOPPED),
        "adoptable": [row.line.arm for row in board.rows if not row.is_stopped],
        "crumbs": [
            (_("Campaigns"), reverse("campaigns:campaigns")),
            (campaign.name or campaign.code, reverse("campaigns:campaign", args=[campaign.pk])),
            (_("Experiments"), reverse("campaigns:experiments", args=[campaign.pk])),
        ],
    }
    return render(request, "metrics/experiment.html", context)
