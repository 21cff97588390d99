"""What a page says about a job: the sentence, the bar, what can be done. Drawn by core/_job.html."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from core.access import sees_everything
from core.jobs.registry import find_handler, label_of
from core.models import Job
from core.templatetags.look import thousands, time_left


@dataclass(frozen=True)
class Panel:
    text: str
    note: str
    left: str
    done: int
    total: int | None
    fault: bool
    shows_bar: bool
    poll_url: str
    stop_url: str
    again_url: str


def job_panel(
    job: Job, *, at: datetime, user: Any = None, poll_url: str = "", reload: bool = False, note: str = ""
) -> Panel:
    """The panel of a job for core/_job.html. With `reload` the whole page is loaded anew when the job has ended.

    `poll_url` may name a page's own fragment (for people who may see the thing but not the job); it must draw core/_job.html.
    """
    own_poll = reverse("core:job-progress", args=[job.pk]) + ("?" + urlencode({"then": "reload"}) if reload else "")
    may_act = sees_everything(user) or (user is not None and job.created_by_id == user.pk)
    may_stop = may_act and job.is_open and job.cancel_requested_at is None
    return Panel(
        text=sentence(job),
        note=note or _note(job),
        left=time_left(job.seconds_left(at)),
        done=job.done,
        total=job.total,
        fault=job.state == Job.State.DEAD,
        shows_bar=job.is_open or bool(job.total),
        poll_url=(poll_url or own_poll) if job.is_open else "",
        stop_url=reverse("core:job-cancel", args=[job.pk]) if may_stop else "",
        again_url=reverse("core:job-again", args=[job.pk])
        if may_act and job.state in (Job.State.DEAD, Job.State.CANCELLED)
        else "",
    )


def sentence(job: Job) -> str:
    """What the job does or did, in one sentence."""
    found = find_handler(job.kind)
    if found and found.say and job.state == Job.State.DONE:
        return str(found.say(job))
    words = {
        "label": label_of(job.kind),
        "done": thousands(job.done),
        "total": thousands(job.total or 0),
        "reason": job.last_error,
    }
    if job.state == Job.State.DEAD:
        return _("%(label)s: stopped. %(reason)s") % words
    if job.state == Job.State.CANCELLED:
        return (
            _("%(label)s: stopped by hand after %(done)s") % words
            if job.done
            else _("%(label)s: stopped by hand") % words
        )
    if job.state == Job.State.DONE:
        return _("%(label)s: done, %(done)s") % words if job.done else _("%(label)s: done") % words
    if job.state == Job.State.RUNNING:
        return _("%(label)s: %(done)s of %(total)s") % words if job.total else _("%(label)s: at work") % words
    if job.state == Job.State.FAILED:
        return _("%(label)s: waits for another try") % words
    return _("%(label)s: waits for its turn") % words


def _note(job: Job) -> str:
    if job.is_cancelling:
        return _("Stops after the part it is at.")
    if job.state == Job.State.FAILED:
        return job.last_error
    if job.is_open:
        return _("You may leave this page; the work goes on.")
    if job.state == Job.State.DEAD and job.done:
        return _("What was done until then is stored; it goes on from there.")
    return ""
