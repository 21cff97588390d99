"""Do-not-call registers: which editions are in force, how old they are, and the upload of the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from core.htmx import refresh
from core.jobs.panel import job_panel
from core.listing import Column, Listing
from core.models import Job
from customers import rules
from customers.models import Register
from customers.person_forms import LiftForm, RegisterForm
from customers.services import registers as services
from customers.services.list_receiving import FileRefused
from customers.services.register_dates import counted_date, sources
from customers.wording import file_fault_sentence
from people.access import must


def age_in_words(register: Register) -> str:
    age = register.age_on(timezone.localdate())
    return ngettext("%(count)d day", "%(count)d days", age) % {"count": age}


COLUMNS = [
    Column("source", gettext_lazy("Source")),
    Column("dated_on", gettext_lazy("Date of the register"), kind="day"),
    Column("age", gettext_lazy("Age"), value=age_in_words, sort=""),
    Column("number_count", gettext_lazy("Numbers"), num=True, kind="number"),
    Column("added_count", gettext_lazy("Newly not called"), num=True, kind="number"),
    Column("lifted_count", gettext_lazy("Lifted"), num=True, kind="number"),
    Column("status", gettext_lazy("Status"), template="customers/_register_status.html", value="get_status_display"),
    Column("created_by", gettext_lazy("Uploaded by"), value=lambda row: str(row.created_by), sort="created_by__display_name"),
    Column("created_at", gettext_lazy("Uploaded"), kind="moment"),
]  # fmt: skip


@require_GET
def registers(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_suppressions(request.user))
    rows = Register.objects.visible_to(request.user).select_related("created_by")
    listing = Listing(
        request, rows, COLUMNS, name="customers.registers", title=_("Do-not-call registers"), order="-dated_on", may_export=False,
        row_link=lambda row: reverse("customers:register", args=[row.pk]), empty_title=_("No register has been loaded yet."),
        empty_text=_("Upload the file of numbers; a rule on the age of the register stops campaigns without one."),
    )  # fmt: skip
    counted = counted_date()
    context = {
        "counted": counted,
        "age": (timezone.localdate() - counted).days if counted else None,
        "sources": [
            (item, age_in_words(item.register), LiftForm(auto_id=f"source-{item.register.pk}-%s")) for item in sources()
        ],
        "may_load": rules.can_load_registers(request.user),
        "crumbs": [(_("Do not call"), reverse("customers:suppressions"))],
    }
    return listing.page_or_export("customers/registers.html", context)


@require_http_methods(["GET", "POST"])
def register_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_load_registers(request.user))
    form = RegisterForm(request.POST or None, request.FILES or None, initial={"dated_on": timezone.localdate()})
    if form.is_valid():
        file = form.cleaned_data.pop("file")
        try:
            row = services.receive_register(
                file=file, file_name=file.name, **form.cleaned_data, by=request.user, at=database_now()
            )
        except PermissionRefused:
            raise
        except DomainError as refusal:
            form.add_error("file" if isinstance(refusal, FileRefused) else None, str(refusal))
        else:
            return redirect("customers:register", pk=row.pk)
    crumbs = [
        (_("Do not call"), reverse("customers:suppressions")),
        (_("Do-not-call registers"), reverse("customers:registers")),
    ]
    status = 422 if form.errors else 200
    return render(request, "customers/register_form.html", {"form": form, "crumbs": crumbs}, status=status)


@require_POST
def source_retire(request: HttpRequest, pk: int) -> HttpResponse:
    done = _("The source is retired: its registers do not count any more, its numbers stay uncalled.")
    return _decide(request, pk, services.retire_source, done)


@require_POST
def source_use_again(request: HttpRequest, pk: int) -> HttpResponse:
    return _decide(request, pk, services.use_source_again, _("The registers of this source count again."))


def _decide(request: HttpRequest, pk: int, verb: Callable[..., Any], done: str) -> HttpResponse:
    row = _register_or_404(request, pk)
    must(request, rules.can_load_registers(request.user))
    try:
        verb(register=row, by=request.user, at=database_now(), reason=request.POST.get("reason", ""))
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("customers:registers")


def _register_or_404(request: HttpRequest, pk: int) -> Register:
    must(request, rules.can_see_suppressions(request.user))
    return get_object_or_404(Register.objects.visible_to(request.user).select_related("created_by"), pk=pk)


@never_cache
@require_GET
def register(request: HttpRequest, pk: int) -> HttpResponse:
    row = _register_or_404(request, pk)
    job = Job.objects.filter(pk=row.job_id or 0).first()
    is_at_work = row.status in (Register.Status.WAITING, Register.Status.READING)
    context = {
        "row": row,
        "age": age_in_words(row),
        "job": job,
        "panel": _panel(request, row, job) if job and is_at_work else None,
        "fault": file_fault_sentence(row.fault, row.fault_detail) if row.fault else "",
        "may_load": rules.can_load_registers(request.user),
        "crumbs": [
            (_("Do not call"), reverse("customers:suppressions")),
            (_("Do-not-call registers"), reverse("customers:registers")),
        ],
    }
    return render(request, "customers/register.html", context)


@never_cache
@require_GET
def register_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The fragment asked for each second; when the work has ended the whole page is loaded anew."""
    row = _register_or_404(request, pk)
    job = Job.objects.filter(pk=row.job_id or 0).first()
    if job is None or job.is_final:
        return refresh()
    return render(request, "core/_job.html", {"panel": _panel(request, row, job), "job": job})


def _panel(request: HttpRequest, row: Register, job: Job) -> Any:
    poll = reverse("customers:register-progress", args=[row.pk])
    return job_panel(job, at=database_now(), user=request.user, poll_url=poll)
