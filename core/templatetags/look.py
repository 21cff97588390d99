"""Marks and numbers of the look: icons, small bars, figures, dates and differences as they are written in each language.

Bars are SVG with width attributes, because no page carries a style attribute.
"""

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext as _, ngettext

from core.phones import mask_phone

register = template.Library()

Number = int | float | Decimal
NOTHING = "–"
SHUT = ("", mark_safe(" disabled"))


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """One icon of static/icons.svg; hidden from readers unless it has a label of its own."""
    href = f"{static('icons.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="ico" role="img" aria-label="{}"><use href="{}"/></svg>',
            label,
            href,
        )
    return format_html('<svg class="ico" aria-hidden="true"><use href="{}"/></svg>', href)


def _share(value: Number | None, maximum: Number | None) -> float:
    if not value or not maximum:
        return 0.0
    return max(0.0, min(100.0, round(float(value) / float(maximum) * 100, 1)))


@register.simple_tag
def bullet(
    value: Number | None,
    expected: Number | None = None,
    maximum: Number | None = None,
    kind: str = "",
) -> SafeString:
    """A bar of `value` out of `maximum` with the notch at `expected`. kind: "" | "low" | "soft".

    Without a maximum the longer of both takes 83 % of the width, so that the notch never sticks to the edge.
    """
    top = maximum or max(float(value or 0), float(expected or 0)) * 1.2
    notch = (
        format_html('<rect class="notch" x="{}%" width="2" height="10"/>', _share(expected, top))
        if expected is not None
        else ""
    )
    return format_html(
        '<svg class="bullet" aria-hidden="true"><rect class="track" width="100%" height="6" y="2" rx="1"/>'
        '<rect class="val {}" width="{}%" height="6" y="2" rx="1"/>{}</svg>',
        kind,
        _share(value, top),
        notch,
    )


@register.simple_tag
def split(talk: Number = 0, wrap: Number = 0, idle: Number = 0, away: Number = 0) -> SafeString:
    """Time in each state of an agent as one bar; the parts are shares of their sum."""
    parts = {"talk": talk or 0, "wrap": wrap or 0, "idle": idle or 0, "away": away or 0}
    whole = float(sum(parts.values()))
    pieces, x = [], 0.0
    for name, amount in parts.items():
        width = _share(amount, whole)
        if width:
            pieces.append((name, round(x, 2), round(max(width - 0.8, 0.4), 2)))
        x += width
    rects = format_html_join("", '<rect class="{}" x="{}%" width="{}%" height="100%"/>', pieces)
    return format_html('<svg class="split" aria-hidden="true">{}</svg>', rects)


@register.simple_tag
def tally_bar(parts: Sequence[tuple[str, int]]) -> SafeString:
    """One bar of counts: parts are (class of the mark such as "is-new", count)."""
    whole = sum(count for _, count in parts)
    pieces, x = [], 0.0
    for mark, count in parts:
        width = _share(count, whole)
        if count:
            pieces.append((mark, round(x, 2), round(max(width - 0.15, 0.15), 2)))
        x += width
    rects = format_html_join("", '<rect class="{}" x="{}%" width="{}%" height="100%"/>', pieces)
    return format_html('<svg class="tally-bar" aria-hidden="true">{}</svg>', rects)


def _path(values: Sequence[Number | None], low: float, high: float) -> str:
    step = 100 / max(len(values) - 1, 1)
    height = high - low or 1.0
    points = [
        f"{i * step:.1f} {23 - (float(v) - low) / height * 20:.1f}" for i, v in enumerate(values) if v is not None
    ]
    return "M" + " L".join(points) if points else ""


@register.simple_tag
def slots(times: Sequence[Any]) -> SafeString:
    """A button for each half hour (`at`, in whose zone it is told; `is_open`; `load` of 100): some dozens stand on every page of the desk."""
    button = (
        '<button type="button" class="slot" data-at="{}" aria-pressed="false"{}>{}'
        '<svg aria-hidden="true"><rect width="{}%" height="3" rx="1"/></svg></button>'
    )
    told = ((slot.at.isoformat(), SHUT[not slot.is_open], f"{slot.at:%H:%M}", slot.load) for slot in times)
    return format_html_join("", button, told)


@register.simple_tag
def funnel_bar(value: Number | None, maximum: Number | None) -> SafeString:
    """The thin bar under a row of a funnel."""
    return format_html(
        '<svg aria-hidden="true"><rect class="t" width="100%" height="4" rx="1"/><rect class="v" width="{}%" height="4" rx="1"/></svg>',
        _share(value, maximum),
    )


@register.simple_tag
def spark(values: Sequence[Number | None], before: Sequence[Number | None] = ()) -> SafeString:
    """A line of the course of a figure, the period before dashed. None is a gap in the data."""
    known = [float(v) for v in [*values, *before] if v is not None]
    if not known:
        return SafeString("")
    low, high = min(known), max(known)
    dashed = format_html('<path class="prev" d="{}"/>', _path(before, low, high)) if before else ""
    return format_html(
        '<svg class="spark" viewBox="0 0 100 26" preserveAspectRatio="none" aria-hidden="true">{}<path d="{}"/></svg>',
        dashed,
        _path(values, low, high),
    )


def _is_chinese() -> bool:
    return (get_language() or "").startswith("zh")


@register.filter
def thousands(value: Number | None) -> str:
    """12345 -> 12,345, in both languages; nothing known -> a dash."""
    return NOTHING if value is None or value == "" else f"{value:,}"


@register.filter
def fixed(value: Number | None, places: int = 2) -> str:
    """A figure with so many decimals: 0.194 -> 0.19; nothing known -> a dash."""
    return NOTHING if value is None or value == "" else f"{float(value):,.{int(places)}f}".replace("-", "−")


@register.filter
def percent(share: Number | None, places: int = 1) -> str:
    """A share of 1 as percent: 0.0647 -> "6.5 %", in Chinese "6.5%"."""
    if share is None or share == "":
        return NOTHING
    space = "" if _is_chinese() else "\N{NO-BREAK SPACE}"
    return f"{float(share) * 100:.{int(places)}f}{space}%".replace("-", "−")


@register.filter
def signed(value: Number | None, places: int = 0) -> str:
    """A difference with its sign: +7, −39, 0."""
    if value is None or value == "":
        return NOTHING
    text = f"{float(value):+,.{int(places)}f}"
    return text[1:] if float(text.replace(",", "")) == 0 else text.replace("-", "−")


@register.filter
def money(cents: int | None) -> str:
    """Cents as an amount in the region's currency: 12900 -> 129.00; nothing known -> a dash."""
    return NOTHING if cents is None or cents == "" else f"{int(cents) / 100:,.2f}".replace("-", "−")


@register.filter
def clock(seconds: Number | None) -> str:
    """Seconds as a length of time: 291 -> 4:51, 4000 -> 1:06:40; nothing known -> a dash."""
    if seconds is None or seconds == "":
        return NOTHING
    minutes, rest = divmod(round(float(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.filter
def tenths(value: Number | None) -> str:
    """A count that need not be whole: 1234 -> 1,234, 2.4 -> 2.4."""
    if value is None or value == "":
        return NOTHING
    told = round(float(value), 1)
    return thousands(int(told)) if told.is_integer() else fixed(told, 1)


@register.filter
def unlocal(value: object) -> str:
    """A number as a machine reads it, for attributes: 45211, never 45,211."""
    return str(value)


@register.simple_tag(takes_context=True)
def with_query(context: template.Context, name: str, value: object) -> str:
    """The address of this page with one parameter changed; another sort or filter starts again at the first page.

    An empty value takes the parameter out.
    """
    query = context["request"].GET.copy()
    if name != "page":
        query.pop("page", None)
    if value is None or value == "":
        query.pop(name, None)
    else:
        query[name] = str(value)
    return f"?{query.urlencode()}"


@register.filter
def initials(name: str) -> str:
    """What stands in the round face: 陈 of 陈美玲, LH of Li Huimin."""
    words = str(name).split()
    if not words:
        return ""
    if ord(words[0][0]) >= 0x2E80:
        return words[0][0]
    return "".join(word[0] for word in words[:2]).upper()


@register.filter
def minutes(length: timedelta) -> int:
    """A length of time in whole minutes, rounded up."""
    return math.ceil(length.total_seconds() / 60)


@register.filter
def points(share: float | None, places: int = 1) -> str:
    """A difference of two shares: -0.006 -> "−0.6 points", in Chinese "−0.6 个百分点"."""
    if share is None or share == "":
        return NOTHING
    return _("%(number)s points") % {"number": signed(float(share) * 100, places)}


@register.filter
def masked(clean: str | None) -> str:
    """A cleaned phone number as it may be shown: 191****7548."""
    return mask_phone(clean) if clean else NOTHING


@register.filter
def day(value: date | datetime | None) -> str:
    """19 Nov 2026, in Chinese 2026-11-19; of a moment the region's day."""
    if not value:
        return NOTHING
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    return value.isoformat() if _is_chinese() else f"{value.day} {date_format(value, 'M Y')}"


@register.filter
def moment(value: datetime | None) -> str:
    """19 Nov 2026, 15:42 in the region's time."""
    if not value:
        return NOTHING
    local = timezone.localtime(value)
    return f"{day(local)} {local:%H:%M}" if _is_chinese() else f"{day(local)}, {local:%H:%M}"


@register.filter
def moment_exact(value: datetime | None) -> str:
    """19 Nov 2026, 15:42:10 in the region's time."""
    return NOTHING if not value else f"{moment(value)}{timezone.localtime(value):\uff1a%S}".replace("\uff1a", ":")


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
