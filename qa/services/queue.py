"""A scorer's queue: take the next call, and begin its evaluation."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import Call
from customers.models import Customer
from people.models import User
from qa import queries_work as queries, rules
from qa.models import Evaluation, FormVersion, ScoringTask
from qa.services import evaluations, tending, work

TRIES = 20  # tasks that turn out to be done or gone while one looks for the next
PASSED_OVER = (work.NotOpen, evaluations.NotToScore, evaluations.PersonRests)


@transaction.atomic
def take_next(*, by: User, at: datetime) -> Evaluation | None:
    """The evaluation of the next call of the person's queue, begun; None when nothing waits. One that cannot be begun (another was first, its
    form or person rests) is passed over and stays as it is. Raises PermissionRefused."""
    passed: set[int] = set()
    for _n in range(TRIES):
        task = queries.next_task(by, passed=passed)
        if task is None:
            return None
        passed.add(task.pk)
        try:
            with transaction.atomic():
                begun = begin(task=task, by=by, at=at)
        except PASSED_OVER:
            continue
        if begun is not None and not begun.is_submitted:
            return begun
    return None


@transaction.atomic
def begin(*, task: ScoringTask, by: User, at: datetime) -> Evaluation | None:
    """The evaluation that does this task: the person's draft, or a new one. One submitted before does the task at once; without the call the
    task is dropped, and None comes back. What waits for anybody is theirs from here on. Raises NotOpen, PermissionRefused, NotToScore,
    PersonRests."""
    task = ScoringTask.objects.select_for_update(of=("self",)).get(pk=task.pk)
    if not task.is_open or task.scorer_id not in (None, by.pk):
        raise work.NotOpen(_("Another has this call, or it is scored already."))
    if Customer.objects.filter(pk=task.customer_id, is_locked=True).exists():  # since the queue was read
        raise evaluations.PersonRests(_("This person's data are locked: the call rests until the lock ends."))
    call = Call.objects.filter(pk=task.call_id, started_at=task.call_started_at).first()
    if call is None:
        tending.lose(task=task, why=_("The call is no longer there."), at=at)
        return None
    version = FormVersion.objects.published().filter(form=task.form_id).first()
    if version is None:
        raise evaluations.NotToScore(_("Calls are scored with a published form. Choose the version in force."))
    before = Evaluation.objects.submitted().filter(call_id=call.pk, version=version, scorer=by).first()
    if before is not None:
        work.close_with(evaluation=before, at=at)
        return before
    _claim(task, by, at)
    return evaluations.begin(
        call=call, version=version, scorer=by, pick=task.pick, probability=task.probability, at=at,
        recording=work.newest_sound(call) if rules.can_hear(by) else None,
    )  # fmt: skip


def _claim(task: ScoringTask, by: User, at: datetime) -> None:
    if task.scorer_id is not None:
        return
    same = ScoringTask.objects.open().filter(call_id=task.call_id, form=task.form_id, source=task.source, scorer=by)
    if same.exists():
        work.drop(task=task, why=_("The same call waits under a name already."), at=at)
        return
    task.scorer = by
    task.save(update_fields=["scorer"])
