"""Competency growth of a team or an agent: the dates side by side, as a dumbbell or a radar, always with the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from core.clock import database_now
from core.numbers import LARGEST_ID, number_or_none
from people.access import must
from people.models import Team, User
from qa.models.evaluations import READERS
from staffing import growth as counting, queries_growth as queries, rules
from staffing.queries_growth import Column, Growth, Row

MOST_DATES, CHOICES = 4, 36
BETWEEN = 3  # months between the two dates shown when none are chosen


@dataclass(frozen=True)
class Who:
    """Of whom: an agent, else a team. `within` is the team of an agent as it was at the call, when asked for."""

    agent: User | None
    team: Team | None

    @property
    def filters(self) -> dict[str, int]:
        found = {"agent_id": self.agent, "team_id": self.team}
        return {name: row.pk for name, row in found.items() if row is not None}

    @property
    def address(self) -> list[tuple[str, int]]:
        return [(name.removesuffix("_id"), pk) for name, pk in self.filters.items()]

    def __str__(self) -> str:
        return str(self.agent or self.team or "")


@never_cache
@require_GET
def growth(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_growth(request.user))
    today = timezone.localdate(database_now())
    teams = queries.teams_shown(request.user)
    who = _who(request, teams)
    months = _months(request, today, who)
    chart = "radar" if request.GET.get("chart") == "radar" else "dumbbell"
    context = {
        "who": who, "teams": teams, "months": months, "chart": chart, "month_fields": _month_fields(months, today), "found": None,
        "may_choose": request.user.has_role(*READERS), "least": counting.LEAST_CALLS,
    }  # fmt: skip
    if who.filters:
        context |= _shown(request, who, months)
    return render(request, "staffing/growth.html", context)


def _who(request: HttpRequest, teams: Sequence[Team]) -> Who:
    """As the address names them; else oneself as an agent, else the first of one's teams."""
    agent_id, team_id = (number_or_none(request.GET.get(name, ""), LARGEST_ID) for name in ("agent", "team"))
    team = get_object_or_404(Team.objects.visible_to(request.user), pk=team_id) if team_id else None
    if agent_id:
        agent = queries.agent_shown(request.user, agent_id)
        if agent is None:
            raise Http404
        return Who(agent, team)
    if team is None and not request.user.has_role(*READERS):
        return Who(request.user, None)
    return Who(None, team or (teams[0] if teams else None))


def _months(request: HttpRequest, today: date, who: Who) -> list[date]:
    """Ascending. Without two known months those between which growth can be seen: the first and the last with scored calls of this and
    the three months before. Where there are not two, this month and the third before it are there."""
    asked = {month for text in request.GET.getlist("month") if (month := _month(text)) is not None}
    choices = _choices(today)
    known = sorted(asked & set(choices))[-MOST_DATES:]
    if len(known) > 1:
        return known
    shown = {*known, *(queries.span_scored(request.user, choices[BETWEEN], **who.filters) if who.filters else [])}
    for month in (choices[0], choices[BETWEEN]):
        shown |= {month} if len(shown) < 2 else set()
    return sorted(shown)[-MOST_DATES:]


def _month(text: str) -> date | None:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


def _choices(today: date) -> list[date]:
    """This month and those before it."""
    number = today.year * 12 + today.month - 1
    return [date((number - back) // 12, (number - back) % 12 + 1, 1) for back in range(CHOICES)]


def _month_fields(months: Sequence[date], today: date) -> list[list[tuple[str, str, bool]]]:
    """A field for each date and one more: (value, label, whether it is chosen)."""
    fields: list[date | None] = [*months, *([None] if len(months) < MOST_DATES else [])]
    return [
        [(f"{month:%Y-%m}", date_format(month, "YEAR_MONTH_FORMAT"), month == chosen) for month in _choices(today)]
        for chosen in fields
    ]


def _shown(request: HttpRequest, who: Who, months: Sequence[date]) -> dict[str, object]:
    rows = queries.scored(request.user, months, **who.filters)
    forms = queries.forms_shown()
    asked = number_or_none(request.GET.get("form", ""), LARGEST_ID)
    form = asked if asked in {row.pk for row in forms} else queries.form_of(rows)
    found = queries.growth(rows, form, months) if form else None
    agents = (
        queries.agents_scored(request.user, months, who.team.pk) if who.team and request.user.has_role(*READERS) else []
    )
    same = [*who.address, *(("month", f"{month:%Y-%m}") for month in months), *([("form", form)] if form else [])]
    return {
        "found": found, "forms": forms, "form": form, "agents": agents,
        "charts": [(key, label, f"?{urlencode([*same, ('chart', key)])}") for key, label in (("dumbbell", _("Dumbbell")), ("radar", _("Radar")))],
        "heads": [_head(column, who, form) for column in found.columns] if found and form else [],
        "blocks": _blocks(found) if found else [],
    }  # fmt: skip


def _head(column: Column, who: Who, form: int) -> dict[str, object]:
    """A date with the way to the evaluations behind it."""
    start, end = column.first, column.last
    chosen = {"since": start.isoformat(), "until": end.isoformat(), "pick": "published", "form": str(form)}
    if who.agent is not None and who.agent.code:
        chosen["agent_code"] = who.agent.code
    if who.team is not None:
        chosen["team"] = str(who.team.pk)
    return {"column": column, "label": date_format(start, "YEAR_MONTH_FORMAT"), "url": f"{reverse('qa:evaluations')}?{urlencode(chosen)}"}  # fmt: skip


def _blocks(found: Growth) -> list[dict[str, object]]:
    """Stages, then skills: their rows and both drawings."""
    blocks = [(_("Stages"), found.stages), (_("Skills"), found.skills)]
    return [{"title": title, "rows": rows, "dumbbell": _dumbbell(rows), "radar": _radar(rows)} for title, rows in blocks if rows]  # fmt: skip


def _dumbbell(rows: Sequence[Row]) -> dict[str, object]:
    height = 2 * counting.PAD + len(rows) * counting.ROW
    lines = [
        {
            "name": row.name,
            "y": counting.PAD + n * counting.ROW + counting.ROW / 2,
            "dots": counting.dots(row.points, n),
        }
        for n, row in enumerate(rows)
    ]
    ticks = [(value, counting.x_of(value / counting.TOP)) for value in range(counting.TOP + 1)]
    return {"width": counting.WIDTH, "height": height, "bottom": height - counting.PAD, "label_y": height - 6, "left": counting.LEFT - 10, "lines": lines, "ticks": ticks}  # fmt: skip


def _radar(rows: Sequence[Row]) -> dict[str, object] | None:
    """None when there are too few axes for a surface."""
    if len(rows) < 3:
        return None
    dates = list(zip(*(row.points for row in rows), strict=True))
    last = len(dates) - 1
    kinds = ["last" if n == last else "first" if n == 0 else "middle" for n in range(len(dates))]
    axes = [_axis(n, len(rows), row.name) for n, row in enumerate(rows)]
    rings = [" ".join("{},{}".format(*counting.spoke(n, len(rows), value / counting.TOP)) for n in range(len(rows))) for value in range(1, counting.TOP + 1)]  # fmt: skip
    outlines = [(kind, counting.outline(points)) for kind, points in zip(kinds, dates, strict=True)]
    return {"axes": axes, "rings": rings, "outlines": [one for one in outlines if one[1]], "x": counting.CENTRE_X, "y": counting.CENTRE_Y}  # fmt: skip


def _axis(number: int, of: int, name: str) -> dict[str, object]:
    """Its end, and where its name stands: beside the figure, never across it."""
    end, label = counting.spoke(number, of, 1.0), counting.spoke(number, of, 1.1)
    side = label[0] - counting.CENTRE_X
    return {"end": end, "label": label, "name": name, "side": "" if abs(side) < 5 else "right" if side > 0 else "left"}
