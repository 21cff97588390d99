"""Two systems, or one that repeats itself, post calls at the same moment."""

import contextlib
import threading
from datetime import date

import pytest
from django.db import connection

from campaigns.models import Call, CallKey, Disposition
from campaigns.services import history_judging, history_posting
from campaigns.tests.factories import AT
from campaigns.tests.test_history import row, world  # noqa: F401
from core.partitions import ensure_partitions


@pytest.mark.django_db(transaction=True)
def test_one_number_posted_at_once_with_different_content_is_one_call_and_one_conflict(world, monkeypatch):  # noqa: F811
    both_judged, judge = threading.Barrier(2), history_judging.judge
    answers = []
    for parent in ("campaigns_call", "customers_contact"):
        ensure_partitions(parent, date(2026, 3, 1), 1)
    # rows of migrations may be gone after other tests of this kind
    Disposition.objects.get_or_create(
        code="refused_price", campaign=None, defaults={"label": "Too dear", "follow": "refused", "connected": True}
    )

    def judge_and_wait(*args, **kwargs):
        judge(*args, **kwargs)
        with contextlib.suppress(threading.BrokenBarrierError):
            both_judged.wait(timeout=1)  # met only when both were judged before one has stored

    monkeypatch.setattr(history_judging, "judge", judge_and_wait)

    def post(talk_seconds):
        try:
            cells = row(result="refused_price", talk_seconds=talk_seconds)
            _call, verdict = history_posting.post_call(
                row=cells, system="d", makes_missing=False, by=world["data"], at=AT
            )
            answers.append(verdict)
        except history_posting.CallRefused as refusal:
            answers.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=(seconds,)) for seconds in (30, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == ["call_known_otherwise", "new"]
    assert (Call.objects.count(), CallKey.objects.count()) == (1, 1)
