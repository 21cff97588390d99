"""Verbs on articles, their attachments, quotes of them, and prohibited words."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import IO, Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core import files
from core.audit import audit
from core.calendar import business_date
from core.errors import DomainError
from core.models import PrivateFile
from people.models import Membership, User
from scripts import rules
from scripts.models import (
    Article,
    ArticleFile,
    ArticleNotice,
    ArticleVersion,
    Product,
    ProhibitedWord,
    QuoteCheck,
    StepQuote,
)


class ChangedMeanwhile(DomainError):
    """Somebody else has written a newer version in the meantime."""


class ArticleRetired(DomainError):
    """A retired article is brought back before it is worked on."""


class ReviewNotAhead(DomainError):
    """The day of the next review has passed already."""


class FileRefused(DomainError):
    """The file is of no kind that is kept, or there are enough of them."""


class WordRefused(DomainError):
    """The word is empty, too long, or there already."""


@dataclass(frozen=True)
class ArticleText:
    """An article as it is handed in."""

    category: str
    title: str
    text: str
    owner: User
    review_on: date | None = None
    products: Iterable[Product] = ()


# ---------------------------------------------------------------- articles


@transaction.atomic
def write_article(*, written: ArticleText, by: User, at: datetime) -> Article:
    """A new article with its first version. Raises ReviewNotAhead."""
    _check_review(written.review_on, at)
    article = Article.objects.create(
        category=written.category, title=written.title, text=written.text, owner=written.owner,
        review_on=written.review_on, changed_at=at,
    )  # fmt: skip
    article.products.set(written.products)
    _keep_version(article, "", by, at)
    audit("scripts.article.written", article, by=by, at=at)
    return article


@transaction.atomic
def change_article(
    *, article: Article, written: ArticleText, based_on: int, what_changed: str, by: User, at: datetime
) -> Article:
    """Another wording is a new version, marks the scripts that quote the article, and is told its owner and QA; other facts change by
    themselves.

    `based_on`: the version that the writer had before them. Raises ArticleRetired, ChangedMeanwhile, ReviewNotAhead.
    """
    article = _locked(article)
    _check_version(article, based_on)
    if written.review_on != article.review_on:
        _check_review(written.review_on, at)
    is_other_text = (article.title, article.text) != (written.title, written.text)
    article.title, article.text, article.category = written.title, written.text, written.category
    article.owner, article.review_on = written.owner, written.review_on
    if is_other_text:
        article.number, article.changed_at = article.number + 1, at
        _keep_version(article, what_changed, by, at)
        _tell(article, by, at)
    article.save(update_fields=["title", "text", "category", "owner", "review_on", "number", "changed_at"])
    article.products.set(written.products)
    audit("scripts.article.changed", article, by=by, at=at, number=article.number)
    return article


def _keep_version(article: Article, what_changed: str, by: User, at: datetime) -> None:
    ArticleVersion.objects.create(
        article=article, number=article.number, title=article.title, text=article.text,
        what_changed=what_changed, written_by=by, written_at=at,
    )  # fmt: skip


def _tell(article: Article, by: User, at: datetime) -> None:
    """The owner and everybody of QA, but for who wrote it."""
    in_qa = Membership.objects.valid_on(business_date(at)).filter(role=Membership.Role.QA, user__is_active=True)
    told = ({article.owner_id} | set(in_qa.values_list("user_id", flat=True))) - {by.pk}
    ArticleNotice.objects.bulk_create(
        ArticleNotice(article=article, number=article.number, to_id=to, at=at) for to in sorted(told)
    )


@transaction.atomic
def see_notice(*, notice: ArticleNotice, by: User, at: datetime) -> ArticleNotice:
    """Seen by whom it was for; a second time changes nothing."""
    notice = ArticleNotice.objects.select_for_update().get(pk=notice.pk, to=by)
    if notice.seen_at is None:
        notice.seen_at = at
        notice.save(update_fields=["seen_at"])
    return notice


@transaction.atomic
def confirm_article(*, article: Article, review_on: date, by: User, at: datetime) -> Article:
    """It is still right: the next look is due on that day. Raises ArticleRetired, ReviewNotAhead."""
    article = _locked(article)
    _check_review(review_on, at)
    article.review_on = review_on
    article.save(update_fields=["review_on"])
    audit("scripts.article.confirmed", article, by=by, at=at, review_on=review_on.isoformat())
    return article


@transaction.atomic
def retire_article(*, article: Article, by: User, at: datetime) -> Article:
    """It holds no longer: agents do not find it any more. Its versions and attachments stay. Retired already: nothing happens."""
    article = Article.objects.select_for_update().get(pk=article.pk)
    if article.retired_at is None:
        article.retired_at = at
        article.save(update_fields=["retired_at"])
        audit("scripts.article.retired", article, by=by, at=at)
    return article


@transaction.atomic
def bring_article_back(*, article: Article, by: User, at: datetime) -> Article:
    article = Article.objects.select_for_update().get(pk=article.pk)
    if article.retired_at is not None:
        article.retired_at = None
        article.save(update_fields=["retired_at"])
        audit("scripts.article.brought_back", article, by=by, at=at)
    return article


def _locked(article: Article) -> Article:
    found = Article.objects.select_for_update().get(pk=article.pk)
    if found.retired_at is not None:
        raise ArticleRetired(_("This article is retired. Bring it back first."))
    return found


def _check_version(article: Article, seen: int) -> None:
    if article.number != seen:
        raise ChangedMeanwhile(
            _("Somebody else has written version %(number)s meanwhile. Read it, then write yours.")
            % {"number": article.number}
        )


def _check_review(review_on: date | None, at: datetime) -> None:
    if review_on is not None and review_on <= business_date(at):
        raise ReviewNotAhead(_("The next review is on a day to come."))


# ---------------------------------------------------------------- attachments

FILE_KIND = "scripts.article"
MOST_BYTES = 20 * 1024 * 1024
MOST_FILES = 20
KEEP = timedelta(days=15 * 365)  # as long as what was sold by it may have to be proved
OFFICE = "application/vnd.openxmlformats-officedocument."
# ending, how the file begins, what it is. Nothing that a browser would run.
KINDS = (
    ("pdf", b"%PDF-", "application/pdf"),
    ("png", b"\x89PNG\r\n\x1a\n", "image/png"),
    ("jpg", b"\xff\xd8\xff", "image/jpeg"),
    ("jpeg", b"\xff\xd8\xff", "image/jpeg"),
    ("docx", b"PK\x03\x04", f"{OFFICE}wordprocessingml.document"),
    ("xlsx", b"PK\x03\x04", f"{OFFICE}spreadsheetml.sheet"),
    ("pptx", b"PK\x03\x04", f"{OFFICE}presentationml.presentation"),
)


def may_download(user: Any, private_file: PrivateFile) -> bool:
    """Whoever is signed in; what was removed or belongs to a retired article, only those who write articles."""
    found = ArticleFile.objects.filter(file_id=private_file.pk).select_related("article").first()
    if found is None or not user.is_authenticated:
        return False
    is_current = found.removed_at is None and found.article.retired_at is None
    return is_current or rules.can_write_articles(user)


files.register_kind(FILE_KIND, may_download=may_download, is_audited=False)


@transaction.atomic
def add_file(*, article: Article, name: str, file: IO[bytes], by: User, at: datetime) -> ArticleFile:
    """Attach a file, known by its ending and by how it begins. Raises ArticleRetired, FileRefused, FileTooBig, DiskFull."""
    article = _locked(article)
    if article.files.filter(removed_at=None).count() >= MOST_FILES:
        raise FileRefused(_("An article holds %(count)s attachments at most.") % {"count": MOST_FILES})
    name = os.path.basename(name.replace("\\", "/"))
    stored = files.store(
        name=name, stream=file, kind=FILE_KIND, by=by, at=at, keep_for=KEEP,
        content_type=_content_type(name, file), limit=MOST_BYTES,
    )  # fmt: skip
    row = ArticleFile.objects.create(
        article=article, name=_short(name, 160), file_id=stored.pk, added_by=by, added_at=at
    )
    audit("scripts.articlefile.added", row, by=by, at=at, article=article.pk)
    return row


def _content_type(name: str, file: IO[bytes]) -> str:
    file.seek(0)
    start = file.read(16)
    file.seek(0)
    ending = os.path.splitext(name)[1].lstrip(".").lower()
    for known, mark, content_type in KINDS:
        if known == ending and start.startswith(mark):
            return content_type
    raise FileRefused(_("Attachments are PDF, pictures (PNG, JPEG) or Office files (docx, xlsx, pptx)."))


def _short(name: str, most: int) -> str:
    """Cut in the middle of the name, so that the ending stays."""
    stem, dot, ending = name.rpartition(".")
    return name if len(name) <= most else f"{stem[: most - len(ending) - 1]}{dot}{ending}"


@transaction.atomic
def remove_file(*, file: ArticleFile, by: User, at: datetime) -> ArticleFile:
    """Readers do not see it any more; row and bytes stay as evidence. Removed already: nothing happens."""
    file = ArticleFile.objects.select_for_update().get(pk=file.pk)
    if file.removed_at is None:
        file.removed_at = at
        file.save(update_fields=["removed_at"])
        audit("scripts.articlefile.removed", file, by=by, at=at, article=file.article_id)
    return file


# ---------------------------------------------------------------- quotes


@transaction.atomic
def keep_quote(*, quote: StepQuote, seen: int, by: User, at: datetime) -> QuoteCheck:
    """A step was looked at against version `seen` of the article it quotes: it still fits. The same again changes nothing.

    Raises ArticleRetired (what holds no longer is not quoted; the script needs a new version), ChangedMeanwhile.
    """
    article = _locked(quote.article)
    _check_version(article, seen)
    check, is_new = QuoteCheck.objects.get_or_create(quote=quote, article_version=seen, defaults={"by": by, "at": at})
    if is_new:
        audit("scripts.quote.kept", quote.step.version, by=by, at=at, article=article.pk, number=seen)
    return check


# ---------------------------------------------------------------- prohibited words

MOST_IMPORTED = 2000


@transaction.atomic
def save_word(*, word: ProhibitedWord, by: User, at: datetime) -> ProhibitedWord:
    """Add or change a word; one that was removed meanwhile does not come back by a page that was open. Raises WordRefused."""
    if word.pk is not None and not ProhibitedWord.objects.select_for_update().filter(pk=word.pk).exists():
        raise WordRefused(
            _("“%(word)s” was taken off the list meanwhile. Add it anew if it must not be said.") % {"word": word.word}
        )
    try:
        with transaction.atomic():
            word.save()
    except IntegrityError:
        raise WordRefused(_("“%(word)s” is on the list already.") % {"word": word.word}) from None
    audit("scripts.word.saved", word, by=by, at=at, word=word.word)
    return word


@transaction.atomic
def remove_word(*, word: ProhibitedWord, reason: str, by: User, at: datetime) -> None:
    """The word may be used again; who allowed it and why stays in the trail."""
    audit("scripts.word.removed", word, by=by, at=at, word=word.word, reason=reason)
    word.delete()


@dataclass(frozen=True)
class Imported:
    added: int
    known: int


@transaction.atomic
def import_words(*, lines: str, by: User, at: datetime) -> Imported:
    """One word a line, its reason behind a tab or a bar; words that are there stay as they are. All or none. Raises WordRefused."""
    found: dict[str, str] = {}
    for number, line in enumerate(lines.splitlines(), start=1):
        word, why = _word_and_why(line, number)
        if word:
            found.setdefault(word, why)
    if len(found) > MOST_IMPORTED:
        raise WordRefused(_("At most %(count)s words at a time.") % {"count": MOST_IMPORTED})
    known = set(ProhibitedWord.objects.filter(word__in=found).values_list("word", flat=True))
    new = [ProhibitedWord(word=word, why=why) for word, why in found.items() if word not in known]
    ProhibitedWord.objects.bulk_create(new, ignore_conflicts=True)
    audit("scripts.word.imported", None, by=by, at=at, added=len(new), known=len(known))
    return Imported(len(new), len(known))


def _word_and_why(line: str, number: int) -> tuple[str, str]:
    word, _bar, why = line.replace("|", "\t").replace("\uff5c", "\t").partition("\t")
    word, why = word.strip(), why.strip()
    if len(word) > 60 or len(why) > 200:
        raise WordRefused(
            _("Line %(number)s is too long: a word has up to 60 characters, its reason up to 200.") % {"number": number}
        )
    return word, why
