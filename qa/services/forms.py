"""Verbs on forms: write a draft, publish it, begin the next version."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from people.models import User
from qa import rules
from qa.models import FormItem, FormStage, FormVersion, QualityForm

MOST_STAGES, MOST_ITEMS = 20, 100
STAGE_WORDS = ("name", "name_zh", "weight")
ITEM_WORDS = (
    "text", "text_zh", "help", "help_zh", "weight", "good", "fails_on", "most_points", "fails_up_to", "competency",
    "script_part", "clause", "article",
)  # fmt: skip
Row = TypeVar("Row", FormStage, FormItem)


class FormIsFixed(DomainError):
    """The version is published: evaluations refer to its words and weights."""


class FormNotReady(DomainError):
    """What is missing before the form can be published."""


class CodeTaken(DomainError):
    """Another form has this code."""


class DraftChanged(DomainError):
    """The draft is no longer what the publisher looked at."""


class TooMany(DomainError):
    """A form has room for so many."""


class FieldFault(DomainError):
    """A field does not hold what it should."""


@transaction.atomic
def create_form(*, form: QualityForm, by: User, at: datetime) -> FormVersion:
    """A new form with an empty draft. Raises PermissionRefused, CodeTaken."""
    _check_writer(by)
    try:
        with transaction.atomic():
            form.save(force_insert=True)
    except IntegrityError:
        raise CodeTaken(_("There is a form with the code %(code)s already.") % {"code": form.code}) from None
    version = FormVersion.objects.create(form=form, number=1, created_by=by, created_at=at)
    audit("qa.form.created", form, by=by, at=at)
    return version


@transaction.atomic
def new_version(*, form: QualityForm, by: User, at: datetime) -> FormVersion:
    """The draft of the form; where there is none, one with the content of the newest version. Raises PermissionRefused."""
    _check_writer(by)
    QualityForm.objects.select_for_update().get(pk=form.pk)
    draft = form.versions.filter(status=FormVersion.Status.DRAFT).first()
    if draft:
        return draft
    newest = form.versions.with_items().order_by("-number").first()
    number = (form.versions.aggregate(Max("number"))["number__max"] or 0) + 1
    draft = FormVersion.objects.create(form=form, number=number, created_by=by, created_at=at)
    if newest:
        draft.pass_mark, draft.fail_reports_zero = newest.pass_mark, newest.fail_reports_zero
        draft.save(update_fields=["pass_mark", "fail_reports_zero"])
        _copy(newest, draft)
    audit("qa.form.drafted", form, by=by, at=at, version=number)
    return draft


def _copy(source: FormVersion, target: FormVersion) -> None:
    for stage in source.stages.all():
        items = list(stage.items.all())
        stage.pk, stage.version = None, target
        stage._state.adding = True
        stage.save()
        for item in items:
            item.pk, item.stage = None, stage
        FormItem.objects.bulk_create(items)


@transaction.atomic
def set_marks(*, version: FormVersion, pass_mark: Any, fail_reports_zero: bool, by: User, at: datetime) -> FormVersion:
    """The pass mark, and what a failed call is reported with. Raises PermissionRefused, FormIsFixed, FieldFault."""
    version = _draft(version, by)
    version.pass_mark, version.fail_reports_zero = pass_mark, fail_reports_zero
    _clean(version, "pass_mark")
    version.save(update_fields=["pass_mark", "fail_reports_zero"])
    audit("qa.form.marks_set", version, by=by, at=at, pass_mark=str(version.pass_mark), zero=fail_reports_zero)
    return version


@transaction.atomic
def save_stage(*, version: FormVersion, stage: FormStage, by: User) -> FormStage:
    """A new stage at the end, or other words and weight of one. Raises PermissionRefused, FormIsFixed, TooMany, FieldFault."""
    version = _draft(version, by)
    stage.version = version
    if stage.pk is None:
        if version.stages.count() >= MOST_STAGES:
            raise TooMany(_("A form has at most %(most)s stages.") % {"most": MOST_STAGES})
        stage.position = (version.stages.aggregate(Max("position"))["position__max"] or 0) + 1
    _clean(stage, *STAGE_WORDS)
    return _stored(stage, version.stages.all(), STAGE_WORDS)


@transaction.atomic
def save_item(*, version: FormVersion, item: FormItem, by: User) -> FormItem:
    """A new item at the end of its stage, or other words, weight and answers of one. What belongs to the other kind of answer, Yes and No
    or points, is left out. Raises as save_stage."""
    version = _draft(version, by)
    if item.stage.version_id != version.pk:
        raise FieldFault(_("This stage belongs to another version."))
    if item.pk is None:
        if FormItem.objects.filter(stage__version=version).count() >= MOST_ITEMS:
            raise TooMany(_("A form has at most %(most)s items.") % {"most": MOST_ITEMS})
        item.position = (item.stage.items.aggregate(Max("position"))["position__max"] or 0) + 1
    _only_its_kind(item)
    _clean(item, *ITEM_WORDS)
    if item.most_points is not None and item.fails_up_to is not None and item.fails_up_to >= item.most_points:
        raise FieldFault(_("Full points cannot fail the call."))
    if item.fails_on == item.good:
        raise FieldFault(_("The good answer cannot be the one that fails the call."))
    _check_article(item)
    return _stored(item, FormItem.objects.filter(stage__version=version), ITEM_WORDS)


@transaction.atomic
def drop(*, version: FormVersion, thing: FormStage | FormItem, by: User) -> None:
    """Take a stage (with its items) or an item out of a draft. Raises PermissionRefused, FormIsFixed."""
    _draft(version, by)
    thing.delete()


@transaction.atomic
def move(*, version: FormVersion, thing: FormStage | FormItem, up: bool, by: User) -> None:
    """One place up or down among its neighbours; at the end it stays. Raises PermissionRefused, FormIsFixed."""
    version = _draft(version, by)
    neighbours: list[Any] = (
        list(version.stages.all()) if isinstance(thing, FormStage) else list(thing.stage.items.all())
    )
    place = next((n for n, other in enumerate(neighbours) if other.pk == thing.pk), None)
    other = None if place is None else place - 1 if up else place + 1
    if place is None or other is None or not 0 <= other < len(neighbours):
        return
    neighbours[place], neighbours[other] = neighbours[other], neighbours[place]
    for position, row in enumerate(neighbours, start=1):
        if row.position != position:
            type(row).objects.filter(pk=row.pk).update(position=position)


def findings(version: FormVersion) -> list[str]:
    """What must be mended before the version can be published, in sentences."""
    stages = list(version.stages.prefetch_related("items"))
    found = []
    if not stages:
        found.append(_("The form has no stage yet."))
    found += [_("The stage “%(stage)s” has no item.") % {"stage": stage} for stage in stages if not stage.items.all()]
    if stages and not any(stage.weight for stage in stages):
        found.append(_("No stage has a weight, so that no call would have a score."))
    for stage in stages:
        items = list(stage.items.all())
        if items and stage.weight and not any(item.weight for item in items):
            found.append(_("No item of the stage “%(stage)s” has a weight.") % {"stage": stage})
    return found


def fingerprint(version: FormVersion) -> str:
    """The same as long as no mark, weight, word or place of the version changes."""
    rows = [
        FormVersion.objects.filter(pk=version.pk).values_list("pass_mark", "fail_reports_zero"),
        FormStage.objects.filter(version=version).values_list("pk", "position", *STAGE_WORDS),
        FormItem.objects.filter(stage__version=version).values_list("pk", "stage", "position", *ITEM_WORDS),
    ]
    return sha256(repr([sorted(part) for part in rows]).encode()).hexdigest()


@transaction.atomic
def publish(*, version: FormVersion, by: User, at: datetime, seen: str | None = None) -> FormVersion:
    """Calls are scored with this version from now on; the one before is archived. Evaluations begun with it are finished with it.

    `seen` is the fingerprint of what the publisher looked at. Raises PermissionRefused, FormIsFixed, DraftChanged, FormNotReady (with every
    sentence of findings()).
    """
    if not rules.can_publish_forms(by):
        raise PermissionRefused(_("Your role does not allow this."))
    version = _draft(version, by)
    if seen is not None and seen != fingerprint(version):
        raise DraftChanged(_("The draft was changed after you opened this page. Look at it again, then publish it."))
    faults = findings(version)
    if faults:
        raise FormNotReady(" ".join(faults))
    for older in version.form.versions.published():
        older.status = FormVersion.Status.ARCHIVED
        older.save(update_fields=["status"])
        audit("qa.form.archived", older, by=by, at=at)
    version.status, version.published_by, version.published_at = FormVersion.Status.PUBLISHED, by, at
    version.save(update_fields=["status", "published_by", "published_at"])
    audit("qa.form.published", version, by=by, at=at)
    return version


@transaction.atomic
def archive(*, version: FormVersion, by: User, at: datetime) -> None:
    """Nobody scores with this form any more. Raises PermissionRefused."""
    if not rules.can_publish_forms(by):
        raise PermissionRefused(_("Your role does not allow this."))
    version = FormVersion.objects.select_for_update().get(pk=version.pk)
    if version.status == FormVersion.Status.PUBLISHED:
        version.status = FormVersion.Status.ARCHIVED
        version.save(update_fields=["status"])
        audit("qa.form.archived", version, by=by, at=at)


def _stored(row: Row, rows: QuerySet, words: tuple[str, ...]) -> Row:
    """A new row, or only the words of one that is still there: its place is another verb's. Raises FieldFault."""
    if row.pk is None:
        row.save(force_insert=True)
        return row
    if not rows.filter(pk=row.pk).exists():
        raise FieldFault(_("Somebody else has taken this out of the form meanwhile. Load the page anew."))
    row.save(update_fields=words)
    return row


def _check_writer(by: User) -> None:
    if not rules.can_write_forms(by):
        raise PermissionRefused(_("Your role does not allow this."))


def _only_its_kind(item: FormItem) -> None:
    if item.most_points is None:
        item.fails_up_to = None
    else:
        item.good, item.fails_on = FormItem.Good.YES, FormItem.FailsOn.NEVER


def _check_article(item: FormItem) -> None:
    """An item keeps an article that was retired since, and takes none that is retired already. Raises FieldFault."""
    article = item.article
    if article is None or article.retired_at is None:
        return
    if not FormItem.objects.filter(pk=item.pk, article=article).exists():
        raise FieldFault(_("“%(title)s” is retired. Choose an article in use.") % {"title": article})


def _draft(version: FormVersion, by: User) -> FormVersion:
    """The version, locked. Raises PermissionRefused, FormIsFixed."""
    _check_writer(by)
    version = FormVersion.objects.select_for_update(of=("self",)).select_related("form").get(pk=version.pk)
    if not version.is_draft:
        raise FormIsFixed(_("This version is published and stays as it is. Begin a new version."))
    return version


def _clean(row: Any, *fields: str) -> None:
    """Raises FieldFault with the first fault of these fields, named."""
    try:
        row.clean_fields(exclude=[field.name for field in row._meta.fields if field.name not in fields])
    except ValidationError as error:
        name, faults = next(iter(error.message_dict.items()))
        label = row._meta.get_field(name).verbose_name
        raise FieldFault(_("%(field)s: %(fault)s") % {"field": label, "fault": faults[0]}) from None
