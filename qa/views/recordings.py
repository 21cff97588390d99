"""Pages of recordings: the list, the player, its sound, the recordings of one call."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from campaigns.models import Call
from campaigns.queries_calls import Names
from campaigns.views.calls import FactListing
from core import files
from core.clock import database_now
from core.columns import Column
from core.errors import DomainError
from core.numbers import number_or_none
from people.access import must
from people.models import User
from qa import queries, queries_complaints, rules
from qa.filters import RecordingFilter
from qa.forms import BeginForm, ClipForm, NoteForm, TranscriptForm, UploadForm
from qa.forms_bulletins import SuggestionForm
from qa.models import Recording, RecordingNote
from qa.services import listening, notes
from qa.services.recordings import set_transcript, store_recording
from qa.services.transcripts import read_transcript
from qa.sound.limits import MOST_SECONDS
from qa.wording import fault_sentence


def _address(row: Recording) -> str:
    return reverse("qa:recording", args=[row.pk])


def columns(names: Names) -> list[Column]:
    return [
        Column("call_started_at", _("Time"), kind="moment", width=18, link=_address),
        Column("agent", _("Agent"), value=lambda row: names.agent(row.agent_id), sort=""),
        Column("team", _("Team"), value=lambda row: names.teams.get(row.team_id), sort=""),
        Column("city", _("City"), value=lambda row: names.cities.get(row.city_id), sort=""),
        Column("campaign", _("Campaign"), value=lambda row: names.campaigns.get(row.campaign_id), sort=""),
        Column("result", _("Result"), value=lambda row: names.result(row.disposition_id), sort=""),
        Column("seconds", _("Length"), num=True, kind="duration"),
        Column("notes", _("Remarks"), value="note_count", num=True, sort=""),
        Column("state", _("State"), value="sound_state", sort="", template="qa/_recording_state.html"),
    ]


@never_cache
@require_GET
def recordings(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_hear(request.user))
    listing = FactListing(
        request, queries.recordings_shown(request.user), columns(Names()), name="qa.recordings", title=_("Recordings"),
        filterset=RecordingFilter, order="-call_started_at", may_export=False, row_link=_address,
        empty_title=_("No recordings yet."),
        empty_text=_("They come from the telephone, from the folder or the API of a dialer, or by upload on the page of a call."),
    )  # fmt: skip
    return listing.page_or_export("qa/recordings.html", {"may_see_rules": rules.can_see_keep_rules(request.user)})


def recording_of(request: HttpRequest, pk: int) -> Recording:
    """Of whoever may hear it; for all others it does not exist."""
    must(request, rules.can_hear(request.user))
    rows = Recording.objects.visible_to(request.user).kept().select_related("sound__file", "uploaded_by")
    return get_object_or_404(rows, pk=pk)


@never_cache
@require_GET
def recording(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "qa/recording.html", player_context(request, recording_of(request, pk)))


def player_context(
    request: HttpRequest,
    row: Recording,
    *,
    note_form: NoteForm | None = None,
    clip_form: ClipForm | None = None,
    transcript_form: TranscriptForm | None = None,
) -> dict[str, Any]:
    names = Names()
    user: User = request.user
    call = queries.call_of(user, row)
    rest = _why_it_rests(row)
    return {
        "recording": row,
        "sound": row.sound,
        "rest": rest,
        "fault": fault_sentence(row.sound.fault),
        "call": call,
        "begin_form": begin_form_for(user, call) if call else None,
        "agent": names.agent(row.agent_id),
        "team": names.teams.get(row.team_id, ""),
        "campaign": names.campaigns.get(row.campaign_id, ""),
        "city": names.cities.get(row.city_id, ""),
        "result": names.result(row.disposition_id),
        "notes": [] if rest else queries.notes_of(row),
        "turns": [] if rest else (row.transcript or {}).get("segments", []),
        # asked by the pages that show them
        "hints": SimpleLazyObject(lambda: None if rest else queries.hints_of(row)),
        "note_form": note_form or NoteForm(),
        "clip_form": clip_form or ClipForm(),
        "transcript_form": (transcript_form or TranscriptForm()) if rules.can_upload(user, row) else None,
        "may_clip": rules.can_choose_clips(user, row),
        "suggestion_form": SuggestionForm() if rules.can_suggest(user, row) else None,
        "may_download": rules.can_download(user, row),
        "listeners": queries.listeners_of(row) if rules.can_see_listeners(user, row) else None,
        "crumbs": [(_("Recordings"), reverse("qa:recordings"))],
    }


def begin_form_for(user: User, call: Call) -> BeginForm | None:
    """The way to score the call, for whoever may."""
    return BeginForm(user=user, call=call) if rules.picks_of(user, call) else None


def _why_it_rests(row: Recording) -> str:
    try:
        listening.check_open(recording=row)
    except DomainError as refusal:
        return str(refusal)
    return ""


@never_cache
@require_GET
def peaks(request: HttpRequest, pk: int) -> JsonResponse:
    """The waveform, for the player: {"milliseconds", "channels": [[0..255, ...], ...]}; no channels while it is being drawn."""
    row = recording_of(request, pk)
    try:
        listening.check_open(recording=row)
    except DomainError as refusal:
        raise Http404(str(refusal)) from None
    wave = queries.waveform_of(row.sound)
    return JsonResponse({"milliseconds": wave.milliseconds, "channels": wave.channels})


@require_safe
def sound(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The bytes, whole or the range that was asked for. That somebody listens is on record before the first of them goes out."""
    row = recording_of(request, pk)
    try:
        stored = listening.hear(recording=row, by=request.user, at=database_now())
        return files.respond(request, stored, inline=True)
    except DomainError as refusal:
        raise Http404(str(refusal)) from None


@require_GET
def listen(request: HttpRequest, call_id: int) -> HttpResponse:
    """From a phrase or an answer that names a call and a second to the player at that second, for whoever may hear it."""
    must(request, rules.can_hear(request.user))
    row = (
        Recording.objects.visible_to(request.user).kept().filter(call_id=call_id).order_by("-stored_at", "-pk").first()
    )
    if row is None:
        messages.warning(request, _("There is no recording of this call that you may hear."))
        return redirect("qa:recordings")
    second = number_or_none(request.GET.get("second", ""), most=MOST_SECONDS) or 0
    return redirect(f"{reverse('qa:recording', args=[row.pk])}#t={second * 1000}")


@require_GET
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    row = recording_of(request, pk)
    must(request, rules.can_download(request.user, row))
    try:
        stored = listening.take_away(recording=row, by=request.user, at=database_now())
        return files.respond(request, stored)
    except DomainError as refusal:
        raise Http404(str(refusal)) from None


@require_POST
def transcript(request: HttpRequest, pk: int) -> HttpResponse:
    """Bring in the text of the call, or a better one."""
    row = recording_of(request, pk)
    must(request, rules.can_upload(request.user, row))
    form = TranscriptForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            words = read_transcript(form.cleaned_data["transcript"])
            set_transcript(recording=row, transcript=words, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error("transcript", str(refusal))
        else:
            messages.success(request, _("The text of the call is stored."))
            return redirect("qa:recording", pk=pk)
    return render(request, "qa/recording.html", player_context(request, row, transcript_form=form), status=422)


# -- remarks -----------------------------------------------------------------------------------------------------------


@require_POST
def note_add(request: HttpRequest, pk: int) -> HttpResponse:
    row = recording_of(request, pk)
    form = NoteForm(request.POST)
    if form.is_valid():
        try:
            notes.add_note(recording=row, by=request.user, at=database_now(), **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
    if request.headers.get("HX-Request"):
        return _note_list(request, row, form if form.errors else None)
    if form.errors:
        return render(request, "qa/recording.html", player_context(request, row, note_form=form), status=422)
    return redirect("qa:recording", pk=pk)


@require_POST
def note_delete(request: HttpRequest, pk: int, note_pk: int) -> HttpResponse:
    row = recording_of(request, pk)
    note = get_object_or_404(RecordingNote.objects.select_related("recording"), recording=row, pk=note_pk)
    notes.delete_note(note=note, by=request.user, at=database_now())
    if request.headers.get("HX-Request"):
        return _note_list(request, row)
    return redirect("qa:recording", pk=pk)


def _note_list(request: HttpRequest, row: Recording, form: NoteForm | None = None) -> HttpResponse:
    context = {
        "recording": row,
        "notes": [] if _why_it_rests(row) else queries.notes_of(row),
        "note_form": form or NoteForm(),
    }
    return render(request, "qa/_notes.html", context, status=422 if form else 200)


# -- the recordings of a call ------------------------------------------------------------------------------------------


def _call(request: HttpRequest, pk: int) -> Call:
    return get_object_or_404(Call.objects.visible_to(request.user), pk=pk)


@never_cache
@require_GET
def of_call(request: HttpRequest, pk: int) -> HttpResponse:
    """A part of the call's page: the recordings, and the way to bring one in. Nothing for whoever may do neither."""
    call = _call(request, pk)
    may_hear, may_upload = rules.can_hear(request.user), rules.can_upload(request.user, call)
    if not (may_hear or may_upload):
        return HttpResponse()
    rows = queries.recordings_of_call(request.user, call) if may_hear else []
    return render(
        request,
        "qa/_of_call.html",
        {
            "call": call,
            "rows": rows,
            "may_hear": may_hear,
            "form": UploadForm() if may_upload else None,
            "begin_form": begin_form_for(request.user, call),
            "may_complain": rules.can_take_complaints(request.user),
            "complaints": queries_complaints.of_call(request.user, call),
        },
    )


@require_POST
def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """Bring in the recording of a call by hand."""
    must(request, rules.can_upload(request.user))
    call = _call(request, pk)
    must(request, rules.can_upload(request.user, call))
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, _("Choose a file first."))
        return redirect("campaigns:call", pk=pk)
    words = form.cleaned_data["transcript"]
    try:
        stored = store_recording(
            call=call,
            stream=form.cleaned_data["file"],
            by=request.user,
            at=database_now(),
            origin=Recording.Origin.UPLOAD,
            transcript=read_transcript(words) if words else None,
        )
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        told = _("The recording is stored.") if stored.is_new else _("This call has this recording already.")
        messages.success(request, told)
    return redirect("campaigns:call", pk=pk)
