"""Pages of checkpoints 1 and 2: the gates that wait, one gate with its list, risks and verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from campaigns.models import Campaign, Gate
from campaigns.rules import GATE_READERS, can_decide_gate, can_see_gates, covers_as
from campaigns.services.planning import next_stage
from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from core.numbers import LARGEST_ID, number_or_none
from people.access import must
from qa import checkpoints, limits, queries_reviews as queries, rules
from qa.forms_reviews import AnswerForm, ClearForm, HandForm, OpenForm, RiskForm, VerdictForm, owners_of
from qa.models import ComplaintRisk, GateReview, GateReviewItem
from qa.models.reviews import campaigns_of_gates
from qa.services import reviews as services, risks
from qa.views.forms import first_fault

PAGE = 50
SHOWN = 200  # as many risks, and as many rounds


@never_cache
@require_GET
def gates(request: HttpRequest) -> HttpResponse:
    must(request, can_see_gates(request.user))
    waiting = list(queries.waiting(request.user)[:SHOWN])
    page = Paginator(queries.past(request.user), PAGE).get_page(request.GET.get("page"))
    rows = [(gate, can_decide_gate(request.user, gate.campaign)) for gate in waiting]
    rows.sort(key=lambda row: not row[1])  # what waits for the reader first
    return render(request, "qa/gates.html", {"rows": rows, "page": page})


@never_cache
@require_GET
def badge(request: HttpRequest) -> HttpResponse:
    must(request, can_see_gates(request.user))
    mine = [gate for gate in queries.waiting(request.user)[:SHOWN] if can_decide_gate(request.user, gate.campaign)]
    return render(request, "core/_jobs_badge.html", {"dead": len(mine)})


def _gate(request: HttpRequest, pk: int) -> Gate:
    must(request, can_see_gates(request.user))
    seen = Gate.objects.filter(campaign__in=campaigns_of_gates(request.user).values("pk"), stage__in=Gate.REVIEWED)
    rows = seen.select_related("campaign__city", "campaign__script_version__script", "decided_by", "second_by")
    return get_object_or_404(rows, pk=pk)


@never_cache
@require_GET
def gate(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "qa/gate.html", _page(request, _gate(request, pk)))


def _page(request: HttpRequest, row: Gate) -> dict[str, Any]:
    user, at, campaign = request.user, database_now(), row.campaign
    rounds = list(
        row.reviews.select_related("opened_by", "closed_by", "form", "script_version").order_by("-pk")[:SHOWN]
    )  # type: ignore[attr-defined]
    asked = number_or_none(request.GET.get("review", ""), LARGEST_ID)
    review = next((one for one in rounds if one.pk == asked), rounds[0] if rounds else None)
    if review:
        review.gate = row
    may_decide, whole = can_decide_gate(user, campaign), covers_as(user, campaign, GATE_READERS)
    is_next = next_stage(campaign) == row.stage
    return {
        "gate": row,
        "campaign": campaign,
        "number": 1 + Gate.REVIEWED.index(row.stage),
        "is_asked": row.status == Gate.Status.PENDING and row.decided_by_id is not None,
        "changed_since": queries.passed_for(row),
        "rounds": rounds,
        "may_decide": may_decide,
        "may_open": may_decide and is_next and row.status != Gate.Status.OVERRIDDEN and not any(one.is_open for one in rounds),
        "is_next": is_next,
        "open_form": OpenForm(),
        "listens": row.stage == Campaign.Stage.RUNNING,
        "risks": list(ComplaintRisk.objects.filter(campaign=campaign).select_related("owner", "added_by", "cleared_by").order_by("-cleared_at", "added_at", "pk")[:SHOWN]),
        "may_keep_risks": rules.can_keep_risks(user, campaign),
        "owners": owners_of(campaign) if rules.can_keep_risks(user, campaign) else [],
        "crumbs": [(_("Gates"), reverse("qa:gates")), (campaign.name, reverse("campaigns:campaign", args=[campaign.pk]))],
        **(_review(review, may_decide, whole, at) if review else {"review": None}),
    }  # fmt: skip


def _review(review: GateReview, may_decide: bool, whole: bool, at: Any) -> dict[str, Any]:
    """The round that is shown: an open one as it stands now, a closed one as it was frozen. What calls of all the campaign say
    (figures, and the customers' own words) is told where the reader's place covers it `whole`."""
    stage = review.gate.stage
    lines = [
        {
            "item": item,
            "label": checkpoints.label(stage, item.key),
            "said": checkpoints.sentences(item.key, item.found)
            if whole or item.key not in checkpoints.OF_CALLS
            else [],
        }
        for item in services.fresh_items(review, at)
    ]
    verdicts = list(VerdictForm.base_fields["verdict"].choices)
    return {
        "review": review,
        "by_machine": [line for line in lines if line["item"].kind == GateReviewItem.Kind.MACHINE],
        "by_qa": [line for line in lines if line["item"].kind == GateReviewItem.Kind.QA],
        "results": GateReviewItem.Result.choices,
        "may_close": may_decide and review.is_open,
        "verdicts": [choice for choice in verdicts if review.form_id or choice[0] != GateReview.Verdict.EARLY],
        **(_trial(review, at) if review.form_id and whole else {}),
    }


def _trial(review: GateReview, at: Any) -> dict[str, Any]:
    """Rates and refusals by step: counted now while the round is open, else as they were frozen."""
    if review.is_open or not review.evidence:
        now = queries.rates(review.gate.campaign, at)
        told = {"lines": now.lines, "calls": now.calls, "more_calls": now.more_calls}
        steps = queries.refusals_by_step(review.gate.campaign, at)
    else:
        told, steps = review.evidence["rates"], review.evidence["steps"]
    return {
        "rates": {**told, "lines": [limits.in_words(line) for line in told["lines"]]},
        "steps": steps,
    }


# -- what the buttons do ------------------------------------------------------------------------------------------------


def _did(request: HttpRequest, row: Gate, form: Any, verb: Callable[[], Any], done: Any) -> HttpResponse:
    """Do it when the form is whole; a refusal comes back on the page as its sentence."""
    try:
        if form is not None and not form.is_valid():
            raise services.NotInOrder(first_fault(form))
        verb()
    except PermissionRefused:
        raise
    except DomainError as refusal:
        fresh = _gate(request, row.pk)
        return render(request, "qa/gate.html", {**_page(request, fresh), "fault_said": str(refusal)}, status=409)
    messages.success(request, str(done))
    return redirect("qa:gate", pk=row.pk)


def _deciding(request: HttpRequest, pk: int) -> Gate:
    row = _gate(request, pk)
    must(request, can_decide_gate(request.user, row.campaign))
    return row


def _open_of(row: Gate) -> GateReview:
    return get_object_or_404(GateReview.objects.open().select_related("gate"), gate=row)  # type: ignore[attr-defined]


@require_POST
def review_open(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _deciding(request, pk), OpenForm(request.POST)
    return _did(
        request, row, form,
        lambda: services.open_review(gate=row, form=form.cleaned_data["form"], by=request.user, at=database_now()),
        _("The review is open. The machine has looked at its items."),
    )  # fmt: skip


@require_POST
def review_look(request: HttpRequest, pk: int) -> HttpResponse:
    row = _deciding(request, pk)
    review = _open_of(row)
    return _did(
        request, row, None, lambda: services.refresh(review=review, by=request.user, at=database_now()), _("Looked again.")
    )  # fmt: skip


@require_POST
def item_answer(request: HttpRequest, pk: int, item_pk: int) -> HttpResponse:
    row, form = _deciding(request, pk), AnswerForm(request.POST)
    item = get_object_or_404(GateReviewItem.objects.select_related("review__gate"), pk=item_pk, review__gate=row)
    return _did(
        request, row, form,
        lambda: services.answer(review=item.review, key=item.key, by=request.user, at=database_now(), **form.cleaned_data),
        _("Kept."),
    )  # fmt: skip


@require_POST
def review_close(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _deciding(request, pk), VerdictForm(request.POST)
    review = _open_of(row)
    return _did(
        request, row, form,
        lambda: services.close(review=review, by=request.user, at=database_now(), **form.cleaned_data),
        _("The verdict stands, with what stood at this moment."),
    )  # fmt: skip


def _risking(request: HttpRequest, pk: int) -> Gate:
    row = _gate(request, pk)
    must(request, rules.can_keep_risks(request.user, row.campaign))
    return row


@require_POST
def risk_add(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _risking(request, pk), RiskForm(request.POST)
    return _did(
        request, row, form,
        lambda: risks.add(campaign=row.campaign, words=form.cleaned_data["words"], by=request.user, at=database_now()),
        _("The risk is listed."),
    )  # fmt: skip


def _risk(row: Gate, risk_pk: int) -> ComplaintRisk:
    return get_object_or_404(ComplaintRisk, pk=risk_pk, campaign=row.campaign)


@require_POST
def risk_hand(request: HttpRequest, pk: int, risk_pk: int) -> HttpResponse:
    row = _risking(request, pk)
    risk, form = _risk(row, risk_pk), HandForm(request.POST, campaign=row.campaign)
    return _did(
        request, row, form,
        lambda: risks.hand(risk=risk, owner=form.cleaned_data["owner"], by=request.user, at=database_now()),
        _("The risk has a person in charge."),
    )  # fmt: skip


@require_POST
def risk_clear(request: HttpRequest, pk: int, risk_pk: int) -> HttpResponse:
    row, form = _risking(request, pk), ClearForm(request.POST)
    risk = _risk(row, risk_pk)
    return _did(
        request, row, form,
        lambda: risks.clear(risk=risk, why=form.cleaned_data["why"], by=request.user, at=database_now()),
        _("The risk is cleared."),
    )  # fmt: skip
