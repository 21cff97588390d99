"""Pages of the knowledge base: the list with its search, an article with its versions and attachments, writing it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.core.paginator import Page
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.clock import database_now
from core.columns import Column
from core.errors import DomainError
from core.listing import Listing
from people.access import must
from scripts import prose, queries_knowledge as queries, rules, services_knowledge as services
from scripts.forms_knowledge import UNTIL_REVIEW, ArticleFilter, ArticleForm, ConfirmForm, FileForm
from scripts.models import Article, ArticleFile, ArticleNotice, ArticleVersion

NOTICES = 20  # shown at once


class Articles(Listing):
    """Hits in the title stand first, then what was changed last; the text shows around its first hit."""

    def _ordering(self) -> list[Any]:
        return super()._ordering() if self.sort else ["rank", "-changed_at", "-pk"]

    @property
    def words(self) -> list[str]:
        return queries.words_of(self.request.GET.get("q", ""))

    @cached_property
    def page(self) -> Page:
        """Each row with what of it was found, and whether its review is due."""
        found = super().page
        today = timezone.localdate()
        for row in found:
            row.title_pieces = prose.marked(row.title, self.words)
            row.snippet_pieces = prose.snippet(row.text, self.words) if self.words else []
            row.is_review_due = row.review_on is not None and row.review_on <= today
        return found


def _columns() -> list[Column]:
    return [
        Column("title", gettext_lazy("Article"), template="scripts/_article_hit.html"),
        Column("category", gettext_lazy("Category"), value="get_category_display", sort="category"),
        Column("products", gettext_lazy("Products"), value=_product_names, sort=""),
        Column("owner", gettext_lazy("Owner"), value=lambda row: str(row.owner), sort="owner__display_name"),
        Column("number", gettext_lazy("Version"), num=True),
        Column("changed_at", gettext_lazy("Changed"), kind="moment"),
        Column("review_on", gettext_lazy("Review"), template="scripts/_article_review.html"),
    ]  # fmt: skip


def _product_names(row: Article) -> str:
    return ", ".join(product.name for product in row.products.all())


@require_GET
def article_list(request: HttpRequest) -> HttpResponseBase:
    """Everybody who is signed in reads."""
    listing = Articles(
        request, queries.articles(), _columns(), name="scripts.articles", title=_("Knowledge"), filterset=ArticleFilter,
        may_export=False, empty_title=_("No article is written yet."),
        row_link=lambda row: reverse("scripts:article", args=[row.pk]),
        empty_text=_("Write what agents must know: guides, norms, frequent questions, scenarios, timetables."),
    )  # fmt: skip
    context = {
        "may_write": rules.can_write_articles(request.user),
        "own_overdue": queries.own_overdue(request.user, timezone.localdate()),
        "notices": queries.notices_of(request.user)[:NOTICES],
    }
    return listing.page_or_export("scripts/articles.html", context)


@never_cache
@require_GET
def articles_badge(request: HttpRequest) -> HttpResponse:
    """How many own articles are due for review, and how many changes are not seen yet, for the navigation."""
    return render(request, "core/_jobs_badge.html", {"dead": queries.waiting_for(request.user, timezone.localdate())})


@require_POST
def notice_seen(request: HttpRequest, pk: int) -> HttpResponse:
    notice = get_object_or_404(ArticleNotice, pk=pk, to=request.user)
    services.see_notice(notice=notice, by=request.user, at=database_now())
    return redirect("scripts:articles")


@require_GET
def article_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, _article_or_404(request, pk))


def _article_or_404(request: HttpRequest, pk: int) -> Article:
    """A retired article is kept for those who write."""
    rows = queries.articles() if rules.can_write_articles(request.user) else queries.articles().live()
    return get_object_or_404(rows, pk=pk)


def _page(request: HttpRequest, article: Article, **more: Any) -> HttpResponse:
    versions = list(queries.versions_of(article))
    shown = _version(versions, request.GET.get("version", "")) if request.method == "GET" else versions[0]
    files = list(article.files.select_related("added_by").order_by("added_at"))
    may_write = rules.can_write_articles(request.user)
    today = timezone.localdate()
    context = {
        "article": article,
        "shown": shown,
        "blocks": prose.blocks(shown.text),
        "versions": versions,
        "quotes": queries.quotes_of(article),
        "files": [file for file in files if file.removed_at is None],
        "removed_files": [file for file in files if file.removed_at is not None and may_write],
        "may_write": may_write,
        "may_check": rules.can_check_quotes(request.user),
        "is_due": article.retired_at is None and article.review_on is not None and article.review_on <= today,
        "file_form": FileForm(),
        "confirm_form": ConfirmForm(initial={"review_on": today + UNTIL_REVIEW}),
        "crumbs": [_crumb()],
        **more,
    }
    has_fault = any(form.errors for form in more.values())
    return render(request, "scripts/article.html", context, status=422 if has_fault else 200)


def _version(versions: list[ArticleVersion], wanted: str) -> ArticleVersion:
    """The newest unless another is asked for."""
    if not wanted:
        return versions[0]
    found = next((version for version in versions if str(version.number) == wanted), None)
    if found is None:
        raise Http404
    return found


@require_GET
def article_compare(request: HttpRequest, pk: int) -> HttpResponse:
    """Two versions side by side; without a choice the newest and the one before."""
    article = _article_or_404(request, pk)
    versions = list(queries.versions_of(article))
    new = _version(versions, request.GET.get("new", ""))
    before = [version for version in versions if version.number < new.number]
    old = _version(versions, request.GET.get("old", "")) if request.GET.get("old") else (before or versions)[0]
    context = {
        "article": article,
        "versions": versions,
        "old": old,
        "new": new,
        "rows": prose.compared(f"{old.title}\n{old.text}", f"{new.title}\n{new.text}"),
        "crumbs": [_crumb(), (article.title, reverse("scripts:article", args=[article.pk]))],
    }
    return render(request, "scripts/article_compare.html", context)


@require_http_methods(["GET", "POST"])
def article_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_write_articles(request.user))
    form = ArticleForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            article = services.write_article(written=form.written(), by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The article is stored."))
            return redirect("scripts:article", pk=article.pk)
    return _form(request, form, _("New article"), reverse("scripts:articles"), [_crumb()])


@require_http_methods(["GET", "POST"])
def article_edit(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_write_articles(request.user))
    article = get_object_or_404(Article, pk=pk)
    here, name = reverse("scripts:article", args=[pk]), article.title
    form = ArticleForm(request.POST or None, instance=article, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_article(
                article=article, written=form.written(), based_on=form.cleaned_data["based_on"] or 0,
                what_changed=form.cleaned_data["what_changed"], by=request.user, at=database_now(),
            )  # fmt: skip
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _stored(article))
            return redirect(here)
    return _form(request, form, _("Change the article"), here, [_crumb(), (name, here)])


def _stored(article: Article) -> str:
    """Whoever writes hears what it sets off."""
    marked = sum(quote.is_outdated for quote in queries.quotes_of(article))
    if not marked:
        return _("The article is stored.")
    return ngettext(
        "The article is stored. %(count)s step of a script quotes it and is marked for its writer and QA.",
        "The article is stored. %(count)s steps of scripts quote it and are marked for their writers and QA.",
        marked,
    ) % {"count": marked}


def _form(
    request: HttpRequest, form: ArticleForm, title: str, back: str, crumbs: list[tuple[str, str]]
) -> HttpResponse:
    context = {"form": form, "title": title, "back_url": back, "crumbs": crumbs}
    return render(request, "scripts/article_form.html", context, status=422 if form.errors else 200)


@require_POST
def article_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_write_articles(request.user))
    article = _article_or_404(request, pk)
    form = ConfirmForm(request.POST)
    if form.is_valid():
        try:
            services.confirm_article(
                article=article, review_on=form.cleaned_data["review_on"], by=request.user, at=database_now()
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Still right. The next review is noted."))
            return redirect("scripts:article", pk=pk)
    return _page(request, article, confirm_form=form)


def _do(request: HttpRequest, pk: int, verb: Callable[..., Article], done: str) -> HttpResponse:
    must(request, rules.can_write_articles(request.user))
    verb(article=get_object_or_404(Article, pk=pk), by=request.user, at=database_now())
    messages.success(request, done)
    return redirect("scripts:article", pk=pk)


@require_POST
def article_retire(request: HttpRequest, pk: int) -> HttpResponse:
    return _do(request, pk, services.retire_article, _("The article is retired. Its versions are kept."))


@require_POST
def article_bring_back(request: HttpRequest, pk: int) -> HttpResponse:
    return _do(request, pk, services.bring_article_back, _("The article is in use again."))


@require_POST
def file_add(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_write_articles(request.user))
    article = _article_or_404(request, pk)
    form = FileForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            services.add_file(article=article, name=file.name, file=file, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error("file", str(refusal))
        else:
            messages.success(request, _("The file is attached."))
            return redirect("scripts:article", pk=pk)
    return _page(request, article, file_form=form)


@require_POST
def file_remove(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_write_articles(request.user))
    file = get_object_or_404(ArticleFile, pk=pk)
    services.remove_file(file=file, by=request.user, at=database_now())
    messages.success(request, _("The file is removed. It stays as evidence."))
    return redirect("scripts:article", pk=file.article_id)


def _crumb() -> tuple[str, str]:
    return _("Knowledge"), reverse("scripts:articles")
