"""Scripts that quote an article which has changed since: the list, and "looked at, still fits"."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from core.audit import audit_refusal
from core.clock import database_now
from core.errors import DomainError
from people.access import must
from scripts import queries_knowledge as queries, rules, services_knowledge as services
from scripts.models import ScriptVersion, StepQuote

PAGE = 50


class SeenForm(forms.Form):
    """`seen`: the version of the article that was read."""

    seen = forms.IntegerField(min_value=1)


@require_GET
def outdated_list(request: HttpRequest) -> HttpResponse:
    """What to look at again: all, or where one writes the script or owns the article."""
    must(request, rules.can_see_outdated(request.user))
    is_own = request.GET.get("whose") == "mine"
    found = queries.outdated(request.user if is_own else None)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "is_own": is_own, "may_check": rules.can_check_quotes(request.user)}
    return render(request, "scripts/outdated.html", context)


@never_cache
@require_GET
def outdated_badge(request: HttpRequest) -> HttpResponse:
    """How many wait: all for who checks them, the own for who writes scripts or articles."""
    must(request, rules.can_see_outdated(request.user))
    writer = None if rules.can_check_quotes(request.user) else request.user
    return render(request, "core/_jobs_badge.html", {"dead": queries.outdated(writer).count()})


@never_cache
@require_GET
def version_outdated(request: HttpRequest, pk: int) -> HttpResponse:
    """The notice on the page of a script, for those who write or check it: nothing when nothing has changed."""
    must(request, rules.can_write_scripts(request.user))
    version = get_object_or_404(ScriptVersion, pk=pk)
    context = {
        "rows": queries.quotes_of_version(version.pk),
        "here": f"{reverse('scripts:script', args=[version.script_id])}?version={version.number}",
        "may_check": rules.can_check_quotes(request.user),
    }
    return render(request, "scripts/_outdated_notice.html", context)


@require_POST
def quote_keep(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_check_quotes(request.user))
    quote = get_object_or_404(StepQuote.objects.select_related("step__version"), pk=pk)
    form = SeenForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say which version of the article was read."))
        return _back(request)
    try:
        services.keep_quote(quote=quote, seen=form.cleaned_data["seen"], by=request.user, at=database_now())
    except DomainError as refusal:
        audit_refusal(request, reason=type(refusal).__name__)
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Noted: the step still fits the article."))
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    """To the page it was said on: the list, the article or the script."""
    wanted = request.POST.get("next", "")
    is_here = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return redirect(wanted if is_here and wanted.startswith("/") else "scripts:outdated")
