"""Where conversations die: what became of calls at each step of a script version."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from campaigns import rules
from campaigns.models import Campaign
from campaigns.queries_script_path import NEWER_THAN, NEWEST, script_path as path_of
from core.clock import database_now
from core.numbers import number_or_none
from people.access import must
from scripts.models import ScriptVersion


@never_cache
@require_GET
def script_path(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_read_campaigns(request.user))
    version = get_object_or_404(ScriptVersion.objects.select_related("script"), pk=pk)
    versions = list(ScriptVersion.objects.filter(script=version.script_id).order_by("-number"))
    other = _other(request, version, versions)
    campaigns = Campaign.objects.visible_to(request.user).filter(script=version.script_id).order_by("name", "pk")
    asked = request.GET.get("campaign", "")
    campaign = get_object_or_404(campaigns, pk=number_or_none(asked)) if asked else None
    script = version.script
    context = {
        "version": version,
        "other": other,
        "others": [row for row in versions if row.pk != version.pk],
        "compares": request.GET.get("with", ""),
        "campaign": campaign,
        "campaigns": campaigns,
        "path": path_of(version, other=other, campaign=campaign, user=request.user, at=database_now()),
        "newest": NEWEST,
        "days": NEWER_THAN.days,
        "script_url": f"{reverse('scripts:script', args=[script.pk])}?version={version.number}",
        "crumbs": [
            (_("Scripts"), reverse("scripts:scripts")),
            (
                _("%(script)s, version %(number)s") % {"script": script.name, "number": version.number},
                f"{reverse('scripts:script', args=[script.pk])}?version={version.number}",
            ),
        ],
    }
    return render(request, "campaigns/script_path.html", context)


def _other(request: HttpRequest, version: ScriptVersion, versions: list[ScriptVersion]) -> ScriptVersion | None:
    """The version of the address, else the one that this was made from, else the one before."""
    asked = request.GET.get("with", "")
    if asked == "none":
        return None
    known = {str(row.pk): row for row in versions if row.pk != version.pk}
    if asked in known:
        return known[asked]
    if str(version.based_on_id) in known:
        return known[str(version.based_on_id)]
    return next((row for row in versions if row.number < version.number), None)
