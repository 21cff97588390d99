"""The library of best calls."""

from __future__ import annotations

from django.contrib import messages
from django.core.cache import caches
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from core import files
from core.clock import database_now
from core.errors import DomainError
from people.access import must
from qa import queries, rules
from qa.filters import ClipFilter
from qa.forms import ClipForm
from qa.models import Clip
from qa.services import clips as services
from qa.services.listening import ONE_LISTENING, hear_clip
from qa.views.recordings import player_context, recording_of

PAGE = 25


@never_cache
@require_GET
def clips(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_clips(request.user))
    found = ClipFilter(
        request.GET, queryset=queries.clips_shown(request.user).order_by("-made_at", "-pk"), request=request
    )
    page = Paginator(found.qs, PAGE).get_page(request.GET.get("page"))
    rows = [
        (clip, rules.can_drop_clip(request.user, clip), queries.may_open_recording(request.user, clip)) for clip in page
    ]
    is_filtered = any(request.GET.get(name) for name in found.form.fields)
    return render(
        request, "qa/clips.html", {"page": page, "rows": rows, "filterset": found, "is_filtered": is_filtered}
    )


@require_POST
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """A marked span becomes a clip."""
    row = recording_of(request, pk)
    must(request, rules.can_choose_clips(request.user, row))
    form = ClipForm(request.POST)
    if form.is_valid():
        try:
            services.choose_clip(recording=row, by=request.user, at=database_now(), **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The span is in the library of best calls as soon as it is cut."))
            return redirect("qa:recording", pk=pk)
    return render(request, "qa/recording.html", player_context(request, row, clip_form=form), status=422)


def _clip(request: HttpRequest, pk: int) -> Clip:
    must(request, rules.can_see_clips(request.user))
    return get_object_or_404(queries.clips_shown(request.user).select_related("sound__file"), pk=pk)


@require_safe
def clip_sound(request: HttpRequest, pk: int) -> HttpResponseBase:
    clip = _clip(request, pk)
    # a player asks for many pieces: what comes within ten minutes is one hearing
    heard = f"clip-heard:{request.user.pk}:{clip.pk}"
    is_begin = caches["shared"].add(heard, 1, ONE_LISTENING.total_seconds())
    try:
        stored = hear_clip(clip=clip, by=request.user, at=database_now(), is_begin=is_begin)
        return files.respond(request, stored, inline=True)
    except DomainError as refusal:
        caches["shared"].delete(heard)
        raise Http404(str(refusal)) from None


@require_POST
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    services.drop_clip(clip=_clip(request, pk), by=request.user, at=database_now())
    messages.success(request, _("The clip is out of the library."))
    return redirect("qa:clips")
