"""Prohibited words: the list, one word, many at once."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.clock import database_now
from core.errors import DomainError
from people.access import must
from scripts import rules, services_knowledge as services
from scripts.forms_knowledge import ImportWordsForm, RemoveWordForm, WordForm
from scripts.models import ProhibitedWord

PAGE = 100


@require_GET
def word_list(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_keep_words(request.user))
    search = request.GET.get("q", "").strip().replace("\x00", "")
    rows = ProhibitedWord.objects.order_by("word")
    if search:
        rows = rows.filter(Q(word__icontains=search) | Q(why__icontains=search))
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "scripts/words.html", {"page": page, "q": search})


@require_http_methods(["GET", "POST"])
def word_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new word, or another wording of one."""
    must(request, rules.can_keep_words(request.user))
    word = get_object_or_404(ProhibitedWord, pk=pk) if pk else ProhibitedWord()
    name = word.word
    form = WordForm(request.POST or None, instance=word)
    if request.method == "POST" and form.is_valid():
        try:
            services.save_word(word=form.save(commit=False), by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error("word", str(refusal))
        else:
            messages.success(request, _("The list of prohibited words is stored."))
            return redirect("scripts:words")
    context = {
        "form": form,
        "word": word,
        "title": name or _("New word"),
        "remove_form": RemoveWordForm(),
        "crumbs": _crumbs(),
    }
    return render(request, "scripts/word.html", context, status=422 if form.errors else 200)


@require_POST
def word_remove(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_keep_words(request.user))
    word = get_object_or_404(ProhibitedWord, pk=pk)
    form = RemoveWordForm(request.POST)
    if not form.is_valid():
        context = {
            "form": WordForm(instance=word),
            "word": word,
            "title": word.word,
            "remove_form": form,
            "crumbs": _crumbs(),
        }
        return render(request, "scripts/word.html", context, status=422)
    services.remove_word(word=word, reason=form.cleaned_data["reason"], by=request.user, at=database_now())
    messages.success(request, _("The word may be said again."))
    return redirect("scripts:words")


@require_http_methods(["GET", "POST"])
def word_import(request: HttpRequest) -> HttpResponse:
    """Many words from pasted lines."""
    must(request, rules.can_keep_words(request.user))
    form = ImportWordsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            told = services.import_words(lines=form.cleaned_data["lines"], by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error("lines", str(refusal))
        else:
            messages.success(
                request,
                _("%(added)s words added, %(known)s were there already.") % {"added": told.added, "known": told.known},
            )
            return redirect("scripts:words")
    context = {"form": form, "title": _("Import words"), "crumbs": _crumbs()}
    return render(request, "scripts/words_import.html", context, status=422 if form.errors else 200)


def _crumbs() -> list[tuple[str, str]]:
    return [(_("Prohibited words"), reverse("scripts:words"))]
