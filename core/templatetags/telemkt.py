"""Words and signs: dates, differences, masked numbers. Bars, icons and plain figures are in `look`, and are had from here too."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _, ngettext

from core.phones import mask_phone
from core.templatetags import look

register = template.Library()

for name, function in {
    "duration": look.clock,
    "percent": look.percent,
    "fixed": look.fixed,
    "signed": look.signed,
    "number": look.thousands,
    "thousands": look.thousands,
    "unlocal": look.unlocal,
}.items():
    register.filter(name, function)
register.simple_tag(look.icon, name="icon")
register.simple_tag(look.with_query, takes_context=True, name="query_with")


@register.filter
def points(share: float | None, places: int = 1) -> str:
    """A difference of two shares: -0.006 -> "−0.6 points", in Chinese "−0.6 个百分点"."""
    if share is None or share == "":
        return look.NOTHING
    return _("%(number)s points") % {"number": look.signed(float(share) * 100, places)}


@register.filter
def masked(clean: str | None) -> str:
    """A cleaned phone number as it may be shown: 191****7548."""
    return mask_phone(clean) if clean else look.NOTHING


@register.filter
def day(value: date | datetime | None) -> str:
    """19 Nov 2026, in Chinese 2026-11-19; of a moment the region's day."""
    if not value:
        return look.NOTHING
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    return value.isoformat() if look._is_chinese() else f"{value.day} {date_format(value, 'M Y')}"


@register.filter
def moment(value: datetime | None) -> str:
    """19 Nov 2026, 15:42 in the region's time."""
    if not value:
        return look.NOTHING
    local = timezone.localtime(value)
    return f"{day(local)} {local:%H:%M}" if look._is_chinese() else f"{day(local)}, {local:%H:%M}"


@register.filter
def moment_exact(value: datetime | None) -> str:
    """19 Nov 2026, 15:42:10 in the region's time."""
    return look.NOTHING if not value else f"{moment(value)}{timezone.localtime(value):\uff1a%S}".replace("\uff1a", ":")


@register.filter
def time_left(seconds: float | None) -> str:
    """How long work still takes, in words that do not claim more than is known: "about 6 s left". "" when not known."""
    if seconds is None or seconds == "":
        return ""
    if seconds < 90:
        whole = max(1, round(seconds))
        return ngettext("about %(count)d s left", "about %(count)d s left", whole) % {"count": whole}
    whole = round(seconds / 60)
    return ngettext("about %(count)d min left", "about %(count)d min left", whole) % {"count": whole}


@register.filter
def of(mapping: Any, key: Any) -> Any:
    """The value of a key known only at run time."""
    return mapping.get(key) if hasattr(mapping, "get") else None


@register.inclusion_tag("core/_job.html", takes_context=True)
def job_progress(
    context: template.Context, job: Any, poll_url: str = "", reload: bool = True, note: str = ""
) -> dict[str, Any]:
    """The progress of a job, moving by itself; with `reload` (the default) the page is loaded anew at its end."""
    from core.jobs.panel import job_panel

    request = context["request"]
    panel = job_panel(job, at=timezone.now(), user=request.user, poll_url=poll_url, reload=reload, note=note)
    return {"panel": panel, "job": job, "request": request, "csrf_token": context.get("csrf_token")}
