"""Verbs on objections with their answers, and on best phrases."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from customers.names import sort_key
from people.models import User
from scripts.checks import prohibited_in
from scripts.models import Objection, ObjectionAnswer, Phrase, PhraseVote, ProhibitedWord
from scripts.seen import lock_as_seen
from scripts.sources import check_source
from scripts.staying import locked

Row = TypeVar("Row", Objection, Phrase)
OBJECTION_FIELDS = ("text", "product", "reason")
PHRASE_FIELDS = ("text", "product", "part", "call_id", "second")


class ProhibitedWords(DomainError):
    """What is said to customers contains a word that must not be said."""


class NotInUse(DomainError):
    """The objection, answer or phrase was taken out of use meanwhile."""


@transaction.atomic
def save_objection(*, objection: Objection, by: User, at: datetime, seen: str | None = None) -> Objection:
    """Store a new or changed objection; `search` follows its words. `seen`: what it read when the writer opened it.

    Raises WrittenMeanwhile.
    """
    objection.search = search_words(objection.text, objection.reason)
    if objection.pk is None:
        objection.created_by, objection.created_at = by, at
        objection.save()
    else:
        lock_as_seen(objection, OBJECTION_FIELDS, seen, deed="scripts.objection.saved")
        objection.save(update_fields=[*OBJECTION_FIELDS, "search"])
    audit("scripts.objection.saved", objection, by=by, at=at)
    return objection


def search_words(*texts: str) -> str:
    """The words, small, their pinyin in one, and its initials: "太贵" is found by 太贵, taigui and tg."""
    words = " ".join(text for text in texts if text).lower()
    sounds = sort_key(words).split()
    return f"{words} {''.join(sounds)} {''.join(sound[0] for sound in sounds)}"[:500]


@transaction.atomic
def retire_objection(*, objection: Objection, by: User, at: datetime) -> Objection:
    """Agents do not find it any more. Retired already: nothing happens."""
    return _retire(objection, True, "scripts.objection.retired", by=by, at=at)


@transaction.atomic
def revive_objection(*, objection: Objection, by: User, at: datetime) -> Objection:
    """Its answers in use are on the desk again; in use already: nothing happens. Raises ProhibitedWords: since it was retired another
    word may have become one."""
    in_use = objection.answers.filter(status=ObjectionAnswer.Status.IN_USE).values_list("text", flat=True)
    check_words("\n".join(in_use))
    return _retire(objection, False, "scripts.objection.revived", by=by, at=at)


def _retire(row: Row, wanted: bool, deed: str, *, by: User, at: datetime) -> Row:
    row = locked(row)
    if (row.retired_at is not None) != wanted:
        row.retired_at = at if wanted else None
        row.save(update_fields=["retired_at"])
        audit(deed, row, by=by, at=at)
    return row


@transaction.atomic
def write_answer(
    *, objection: Objection, text: str, by: User, at: datetime, call_id: int | None = None, second: int | None = None
) -> ObjectionAnswer:
    """A further wording of the answer, as a draft. Raises ProhibitedWords, NotInUse, SourceRefused."""
    if locked(objection).retired_at is not None:
        raise NotInUse(_("This objection is retired. Bring it back first."))
    check_words(text)
    check_source(by, call_id, second)
    answer = ObjectionAnswer.objects.create(
        objection=objection, text=text, call_id=call_id, second=second, written_by=by, written_at=at
    )
    audit("scripts.objection.answered", objection, by=by, at=at, answer=answer.pk)
    return answer


@transaction.atomic
def set_answer_status(*, answer: ObjectionAnswer, status: str, by: User, at: datetime) -> ObjectionAnswer:
    """Put an answer into use (agents see it), drop it, or take it back to draft; so already: nothing happens. Raises ProhibitedWords."""
    answer = locked(answer)
    if answer.status == status:
        return answer
    if status == ObjectionAnswer.Status.IN_USE:
        check_words(answer.text)
    answer.status = status
    answer.save(update_fields=["status"])
    audit("scripts.objection.answer_moved", answer.objection, by=by, at=at, answer=answer.pk, status=str(status))
    return answer


def check_words(text: str) -> None:
    """Raises ProhibitedWords, naming each with its reason."""
    found = list(prohibited_in(text, dict(ProhibitedWord.objects.order_by("word").values_list("word", "why"))))
    if found:
        raise ProhibitedWords(_("These words must not be said to customers: %(words)s.") % {"words": "; ".join(found)})


@transaction.atomic
def save_phrase(*, phrase: Phrase, by: User, at: datetime, seen: str | None = None) -> Phrase:
    """Store a new or changed best phrase; who said it is told by its call. `seen`: what it read when the writer opened it.

    Raises ProhibitedWords, SourceRefused, WrittenMeanwhile.
    """
    check_words(phrase.text)
    before = lock_as_seen(phrase, PHRASE_FIELDS, seen, deed="scripts.phrase.saved") if phrase.pk else Phrase()
    if (phrase.call_id, phrase.second) != (before.call_id, before.second):
        source = check_source(by, phrase.call_id, phrase.second)
        phrase.said_by_id = source.said_by if source else None
    if phrase.pk is None:
        phrase.added_by, phrase.added_at = by, at
        phrase.save()
    else:
        phrase.save(update_fields=[*PHRASE_FIELDS, "said_by"])
    audit("scripts.phrase.saved", phrase, by=by, at=at)
    return phrase


@transaction.atomic
def vote(*, phrase: Phrase, by: User, at: datetime) -> bool:
    """Vote for a phrase, or take one's vote back. Returns whether one's vote stands now. Raises NotInUse."""
    if locked(phrase).retired_at is not None:
        raise NotInUse(_("This phrase is retired."))
    gone, _rows = PhraseVote.objects.filter(phrase=phrase, by=by).delete()
    if not gone:
        PhraseVote.objects.create(phrase=phrase, by=by, at=at)
    return not gone


@transaction.atomic
def retire_phrase(*, phrase: Phrase, by: User, at: datetime) -> Phrase:
    return _retire(phrase, True, "scripts.phrase.retired", by=by, at=at)


@transaction.atomic
def revive_phrase(*, phrase: Phrase, by: User, at: datetime) -> Phrase:
    """In use already: nothing happens. Raises ProhibitedWords: since it was retired another word may have become one."""
    check_words(phrase.text)
    return _retire(phrase, False, "scripts.phrase.revived", by=by, at=at)
