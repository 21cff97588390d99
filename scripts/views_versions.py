"""Versions of a script: as the agent will see them, as a map, side by side, as a table; what reviewers say; their life."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from typing import Any

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.audit import audit_refusal
from core.clock import database_now
from core.errors import DomainError
from core.numbers import LARGEST_ID, number_or_none
from core.templatetags.look import money
from core.workbooks import XLSX_TYPE
from customers.services.list_receiving import FileRefused, examine_file
from people.access import must
from people.models import User
from scripts import (
    blanks,
    compare as comparing,
    contents,
    queries_versions,
    rules,
    services,
    services_comments,
    services_steps,
    sheets,
)
from scripts.flow import Flow, Step
from scripts.forms_steps import TableForm
from scripts.models import Script, ScriptQuestion, ScriptStep, ScriptVersion, StepComment

TABLE_BYTES = 2 * 1024 * 1024
WAITING = "scripts.table"  # in the session: a table that was read, until the writer has said that it shall be stored
PATH = 60  # steps that the preview remembers for going back
FIELD_NAMES = {
    "title": gettext_lazy("Title"),
    "text": gettext_lazy("Text"),
    "hint": gettext_lazy("Hint"),
    "must_say": gettext_lazy("Must be said"),
    "questions": gettext_lazy("Questions"),
    "objections": gettext_lazy("Objections"),
    "articles": gettext_lazy("Articles"),
}


def url_of(version: ScriptVersion) -> str:
    return f"{reverse('scripts:script', args=[version.script_id])}?version={version.number}"


def _version(request: HttpRequest, pk: int) -> ScriptVersion:
    return get_object_or_404(ScriptVersion.objects.visible_to(request.user).select_related("script__product"), pk=pk)


# ---------------------------------------------------------------- preview


@require_GET
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """One step as the desk shows it, filled for a sample customer; every way on is a link. `path` is how one came here."""
    version = _version(request, pk)
    flow = queries_versions.flow_of(version)
    path = _path(request, flow)
    step = flow.by_pk.get(_int(request.GET.get("step", "")))
    is_over = request.GET.get("step") == "over"
    if step is None and not is_over:
        step = flow.steps[0] if flow.steps else None
    is_known = request.GET.get("sample") != "unknown"
    context: dict[str, Any] = {
        "version": version,
        "flow": flow,
        "parts": [(part, flow.of_part(part.value)) for part in ScriptStep.Part],
        "step": step,
        "is_over": is_over,
        "is_known": is_known,
        "sample": "" if is_known else "&sample=unknown",
        "came": [flow.by_pk[number] for number in path],
        "back": _link(path[:-1], path[-1]) if path else "",
    }
    if step:
        values = _values(version, is_known=is_known)
        onward = [*path, step.pk][-PATH:]
        context |= {
            "pieces": blanks.fill(step.text, values),
            "ways": [(way, _link(onward, way.to.pk if way.to else "over")) for way in flow.ways(step)],
            "over": "" if flow.ways(step) else _link(onward, "over"),
        }
    return render(request, "scripts/preview.html", context)


def _values(version: ScriptVersion, *, is_known: bool) -> dict[str, str]:
    product = version.script.product
    known = {"product": product.name, "price": money(product.price_cents) if product.price_cents is not None else ""}
    return {**known, **(blanks.sample() if is_known else {"agent": blanks.sample()["agent"]})}


def _path(request: HttpRequest, flow: Flow) -> list[int]:
    numbers = [_int(text) for text in request.GET.get("path", "").split(",") if text]
    return [number for number in numbers if number in flow.by_pk][-PATH:]


def _link(path: list[int], step: int | str) -> str:
    return f"?step={step}&path={','.join(map(str, path))}"


def _int(text: str) -> int:
    return number_or_none(text, most=LARGEST_ID) or 0


# ---------------------------------------------------------------- map


@require_GET
def flow_map(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole flow as a list: under each step where it leads, and from where one comes to it."""
    version = _version(request, pk)
    flow = queries_versions.flow_of(version)
    marks: dict[int, list[Any]] = {}
    found = queries_versions.findings(version, flow) if rules.can_read_drafts(request.user) else []
    for finding in found:
        if finding.step:
            marks.setdefault(finding.step.pk, []).append(finding)
    came: dict[int, list[Step]] = {}
    for step in flow.steps:
        for way in flow.ways(step):
            if way.to and way.answer and step not in came.setdefault(way.to.pk, []):
                came[way.to.pk].append(step)

    def drawn(step: Step) -> tuple[Any, ...]:
        found = marks.get(step.pk, [])
        return step, flow.ways(step), came.get(step.pk, []), found, any(finding.is_error for finding in found)

    parts = [(part, [drawn(step) for step in flow.of_part(part.value)]) for part in ScriptStep.Part]
    return render(request, "scripts/map.html", {"version": version, "parts": parts, "is_empty": not flow.steps})


# ---------------------------------------------------------------- side by side


@require_GET
def compare(request: HttpRequest, pk: int) -> HttpResponse:
    """Two versions side by side: by default the newest and the one it was made from (else the one before)."""
    script = get_object_or_404(Script.objects.select_related("product"), pk=pk)
    versions = list(script.versions.visible_to(request.user).select_related("based_on").order_by("-number"))
    by_number = {version.number: version for version in versions}
    after = by_number.get(_int(request.GET.get("after", ""))) or (versions[0] if versions else None)
    before = by_number.get(_int(request.GET.get("before", ""))) or (after and _before(after, versions))
    context: dict[str, Any] = {"script": script, "versions": versions, "before": before, "after": after}
    if before and after:
        pairs = comparing.compare(queries_versions.flow_of(before), queries_versions.flow_of(after), _words())
        names = {part.value: part.label for part in ScriptStep.Part}
        only_changes = request.GET.get("all") != "1"
        context |= {
            "only_changes": only_changes,
            "changes": sum(1 for pair in pairs if pair.is_moved or pair.change != comparing.Change.SAME),
            "pairs": [
                (pair, names[pair.part], [(FIELD_NAMES[field.name], field) for field in pair.fields])
                for pair in pairs
                if not only_changes or pair.is_moved or pair.change != comparing.Change.SAME
            ],
        }
    return render(request, "scripts/compare.html", context)


def _words() -> comparing.Words:
    kinds = {kind.value: str(kind.label) for kind in ScriptQuestion.Kind}
    return comparing.Words(kinds=kinds, required=_("required"), ending=_("the ending"))


def _before(after: ScriptVersion, versions: list[ScriptVersion]) -> ScriptVersion | None:
    if after.based_on in versions:
        return after.based_on
    return next((one for one in versions if one.number < after.number), None)


# ---------------------------------------------------------------- table


@require_GET
def table_export(request: HttpRequest, pk: int) -> HttpResponseBase:
    must(request, rules.can_write_scripts(request.user))
    version = _version(request, pk)
    file = io.BytesIO()
    flow, chinese = queries_versions.flow_of(version), sheets.is_chinese()
    origin = f"{version.number} {contents.stamp(version)}"
    try:
        sheets.write(file, flow, title=version.script.code, chinese=chinese, origin=origin)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(url_of(version))
    file.seek(0)
    name = f"{version.script.code}-{version.number}.xlsx"
    return FileResponse(file, as_attachment=True, filename=name, content_type=XLSX_TYPE)


@require_http_methods(["GET", "POST"])
def table_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Read a table into a draft. One bad row, and nothing is stored; a draft that has moved on since is asked about first."""
    must(request, rules.can_write_scripts(request.user))
    version = _version(request, pk)
    if version.status != ScriptVersion.Status.DRAFT:
        return redirect(url_of(version))
    if "anyway" in request.POST:
        return _read_anyway(request, version)
    form = TableForm(request.POST or None, request.FILES or None)
    faults: list[sheets.Fault] = []
    if request.method == "POST" and form.is_valid():
        try:
            steps, seen, faults = _read(version, form.cleaned_data["file"])
        except DomainError as error:
            form.add_error("file", str(error))
        else:
            if not faults:
                return _store(request, version, steps, seen)
    status = 422 if faults or form.errors else 200
    return _import_page(request, version, form, faults=faults, status=status)


def _import_page(
    request: HttpRequest, version: ScriptVersion, form: TableForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    return render(request, "scripts/table_import.html", {"version": version, "form": form, **more}, status=status)


def _store(request: HttpRequest, version: ScriptVersion, steps: list[Any], seen: Collection[str]) -> HttpResponse:
    """Into the draft, unless somebody wrote on it since: then it waits in the session for a word."""
    now_reads = contents.stamp(version)
    try:
        services_steps.replace_steps(version=version, steps=steps, by=request.user, at=database_now(), seen=seen)
    except services_steps.DraftMovedOn as error:
        request.session[WAITING] = {"version": version.pk, "steps": steps}
        return _import_page(request, version, TableForm(), status=409, moved_on=str(error), now_reads=now_reads)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(url_of(version))
    request.session.pop(WAITING, None)
    messages.success(request, _("%(count)s steps were read from the table.") % {"count": len(steps)})
    return redirect("scripts:version_edit", pk=version.pk)


def _read_anyway(request: HttpRequest, version: ScriptVersion) -> HttpResponse:
    """What waited in the session, over the draft as it stood when the writer was asked."""
    waiting = request.session.get(WAITING, {})
    if waiting.get("version") != version.pk:
        messages.error(request, _("The table is no longer at hand. Choose the file again."))
        return redirect("scripts:version_table_import", pk=version.pk)
    return _store(request, version, waiting["steps"], [request.POST["anyway"]])


def _read(version: ScriptVersion, file: Any) -> tuple[list[Any], set[str], list[sheets.Fault]]:
    """Steps of the file, the stamps it bears, and what is wrong with it."""
    if file.size > TABLE_BYTES:
        raise DomainError(_("A table of a script has at most %(most)s MB.") % {"most": TABLE_BYTES // 1024 // 1024})
    if examine_file(file).kind != "xlsx":
        raise FileRefused(_("Save the table as .xlsx and try again."), "not_a_list")
    rows, faults = sheets.read_rows(file)
    if faults:
        return [], set(), faults
    known = queries_versions.nameable(
        version, objections=sheets.named(rows, "objections"), articles=sheets.named(rows, "articles")
    )
    steps, faults = sheets.read(rows, known)
    return steps, {origin.rpartition(" ")[2] for origin in sheets.origins(rows)}, faults


# ---------------------------------------------------------------- comments


@require_POST
def comment_add(request: HttpRequest, pk: int) -> HttpResponse:
    version = _version(request, pk)
    must(request, rules.can_comment(request.user, version))
    step = None
    if request.POST.get("step"):
        step = get_object_or_404(ScriptStep, pk=_int(request.POST["step"]), version=version)
    try:
        services_comments.comment(
            version=version, step=step, text=request.POST.get("text", ""), by=request.user, at=database_now()
        )
    except DomainError as error:
        messages.error(request, str(error))
    return redirect(f"{url_of(version)}{f'#step-{step.pk}' if step else '#comments'}")


@require_POST
def comment_settle(request: HttpRequest, pk: int) -> HttpResponse:
    said = get_object_or_404(StepComment.objects.select_related("version"), pk=pk)
    must(request, rules.can_comment(request.user, said.version))
    try:
        services_comments.settle_comment(said=said, by=request.user, at=database_now())
    except DomainError as error:
        messages.error(request, str(error))
    if request.POST.get("back") == "edit":
        return redirect("scripts:version_edit", pk=said.version_id)
    return redirect(f"{url_of(said.version)}#comments")


# ---------------------------------------------------------------- life


@require_POST
def version_new(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft of the newest version, or of the one whose number is sent as `based_on`."""
    must(request, rules.can_write_scripts(request.user))
    script = get_object_or_404(Script, pk=pk)
    source = None
    if request.POST.get("based_on"):
        source = get_object_or_404(ScriptVersion, script=script, number=_int(request.POST["based_on"]))
    try:
        version = services.new_version(script=script, based_on=source, by=request.user, at=database_now())
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(url_of(source) if source else reverse("scripts:script", args=[script.pk]))
    return redirect("scripts:version_edit", pk=version.pk)


@require_POST
def version_discard(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_write_scripts(request.user))
    version = _version(request, pk)
    try:
        services.discard_draft(version=version, by=request.user, at=database_now())
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(url_of(version))
    messages.success(request, _("The draft is thrown away."))
    return redirect("scripts:script", pk=version.script_id)


def _move(
    request: HttpRequest, pk: int, allowed: Callable[[User], bool], verb: Callable[..., ScriptVersion]
) -> HttpResponse:
    version = get_object_or_404(ScriptVersion, pk=pk)
    must(request, allowed(request.user))
    try:
        verb(version=version, by=request.user, at=database_now())
    except DomainError as error:
        audit_refusal(request, reason=type(error).__name__)
        messages.error(request, str(error))
    return redirect(url_of(version))


def _approves(user: User) -> bool:
    return user.has_role(*rules.APPROVERS)


@require_POST
def version_submit(request: HttpRequest, pk: int) -> HttpResponse:
    """What is no error goes along as a warning."""
    answer = _move(request, pk, rules.can_write_scripts, services.submit_version)
    version = _version(request, pk)
    if version.status == ScriptVersion.Status.IN_REVIEW:
        for finding in queries_versions.findings(version):
            messages.warning(request, finding.sentence)
    return answer


@require_POST
def version_send_back(request: HttpRequest, pk: int) -> HttpResponse:
    return _move(request, pk, rules.can_write_scripts, services.send_back)


@require_POST
def version_approve(request: HttpRequest, pk: int) -> HttpResponse:
    return _move(request, pk, _approves, services.approve_version)


@require_POST
def version_trial(request: HttpRequest, pk: int) -> HttpResponse:
    return _move(request, pk, _approves, services.start_trial)


@require_POST
def version_live(request: HttpRequest, pk: int) -> HttpResponse:
    return _move(request, pk, _approves, services.make_live)


@require_POST
def version_retire(request: HttpRequest, pk: int) -> HttpResponse:
    return _move(request, pk, _approves, services.retire_version)
