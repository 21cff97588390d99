"""The board in the words and shapes of the page."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext as _, ngettext

from campaigns.funnel import classes, words
from core.templatetags.look import clock, fixed, signed, thousands
from metrics.floor.addresses import DEALS, STATE, calls_url, url_of
from metrics.floor.alerts import of_group, time_of
from metrics.floor.board import Board, Rate, address


def context(board: Board) -> dict[str, Any]:
    """What the templates of the floor show."""
    return {
        "board": board,
        "stats": _stats(board),
        "funnel": _funnel(board),
        "panels_url": f"{reverse('metrics:floor-panels')}?{board.query}&hour={board.hour}",
        "clear_url": address(board, show=""),
        "by_state_url": address(board, order=STATE if board.look.order == DEALS else "", show=board.look.show),
        "by_deals_url": address(board, order=DEALS),
        "shown_group": of_group(board.look.show) if board.look.show else "",
        "indicators_url": url_of("metrics:indicators"),
        "day_name": _("%(weekday)s %(date)s") % {"weekday": date_format(board.day, "D"), "date": _date(board.day)},
    }


def _date(day: date) -> str:
    """21 Nov; in Chinese 11月21日."""
    is_chinese = (get_language() or "").startswith("zh")
    return date_format(day, "MONTH_DAY_FORMAT" if is_chinese else "j M")


def _definition(key: str) -> str:
    page = url_of("metrics:definitions")
    return f"{page}#{key}" if page else ""


def _stats(board: Board) -> list[dict[str, Any]]:
    return [
        _deals(board),
        _share(_("Success rate"), "success_rate", board.success),
        _share(_("Contact rate"), "contact_rate", board.contact),
        _signed_in(board),
        _after_call(board),
        _promises(board),
    ]


def _deals(board: Board) -> dict[str, Any]:
    place = board.place
    where = {"team": place.team.pk} if place.team else {"city": place.city.pk} if place.city else {}
    campaign = place.campaign.pk if place.campaign else None
    link = calls_url(board.day, customers="won", direction="outbound", campaign=campaign, **where)
    found: dict[str, Any] = {"label": _("Deals today"), "value": thousands(board.deals), "link": link}
    if board.expected is None:
        return found | {"sub": _("nothing to compare with yet")}
    difference = board.deals - board.expected
    return found | {
        "delta": signed(difference), "verdict": board.deals_verdict, "up": difference > 0, "amount": board.deals,
        "expected": board.expected, "kind": "low" if board.deals_verdict == "bad" else "",
        "sub": _("%(count)s expected by %(time)s") % {"count": thousands(round(board.expected)), "time": time_of(board.at)},
    }  # fmt: skip


def _share(label: str, key: str, rate: Rate) -> dict[str, Any]:
    found: dict[str, Any] = {"label": label, "url": _definition(key), "value": fixed(rate.value, 1), "unit": "%"}
    if rate.value is None:
        return found | {"value": "–", "unit": "", "sub": _("nobody called yet")}
    interval = {"low": fixed(rate.low, 1), "high": fixed(rate.high, 1)}
    if rate.expected is None:
        return found | {"sub": _("the data fit %(low)s to %(high)s") % interval}
    words = (
        _("target %(expected)s; fits %(low)s to %(high)s")
        if rate.is_target
        else _("expected %(expected)s; fits %(low)s to %(high)s")
    )
    return found | {
        "delta": _("%(difference)s points") % {"difference": signed(rate.difference, 1)}, "verdict": rate.verdict,
        "up": (rate.difference or 0) > 0, "amount": rate.value, "expected": rate.expected,
        "kind": "low" if rate.verdict == "bad" else "", "sub": words % {"expected": fixed(rate.expected, 1), **interval},
    }  # fmt: skip


def _signed_in(board: Board) -> dict[str, Any]:
    crew = board.crew
    if not crew.on:
        sub = _("nobody is at a desk")
    else:
        sub = _("%(talk)s in a call, %(idle)s waiting") % {"talk": crew.states["talk"], "idle": crew.states["idle"]}
    return {
        "label": _("Agents signed in"), "value": thousands(crew.on), "unit": f"/ {thousands(crew.all)}", "split": crew.states, "sub": sub,
    }  # fmt: skip


def _after_call(board: Board) -> dict[str, Any]:
    found: dict[str, Any] = {
        "label": _("Mean after-call work"), "url": _definition("mean_after_call_seconds"), "value": clock(board.after_call),
    }  # fmt: skip
    over = ngettext("limit %(limit)s; %(count)s agent over", "limit %(limit)s; %(count)s agents over", board.over_limit) % {
        "limit": clock(board.after_call_limit), "count": board.over_limit,
    }  # fmt: skip
    is_over = board.after_call is not None and board.after_call > board.after_call_limit
    return found | {
        "amount": board.after_call, "expected": board.after_call_limit, "sub": over, "kind": "low" if is_over else "",
    }  # fmt: skip


def _promises(board: Board) -> dict[str, Any]:
    kept = board.promises
    sub = _("%(coming)s within the hour, %(at_risk)s at risk") % {"coming": kept.coming, "at_risk": kept.at_risk}
    return {
        "label": _("Promises kept"), "url": board.callbacks_url, "value": thousands(kept.kept), "unit": f" / {thousands(kept.due)}",
        "amount": kept.kept, "expected": kept.due or None, "sub": sub,
    }  # fmt: skip


def _funnel(board: Board) -> dict[str, Any]:
    """Rows that add up to all leads of the campaigns shown; what is empty is left out, but never what can be called."""
    found, campaigns = board.funnel, board.place.campaigns_shown()
    page = url_of("campaigns:campaign_why_not", campaigns[0].pk) if len(campaigns) == 1 else ""
    urls = {classes.PROMISED: board.callbacks_url, classes.WON: url_of("campaigns:orders")}
    shown = [
        {
            "label": label, "n": n, "when": words.next_time(found, name), "go": name == classes.CALLABLE,
            "url": f"{page}?class={name}" if page else urls.get(name, ""),
        }
        for name, label in classes.WORDS.items() if (n := found.counts[name]) or name == classes.CALLABLE
    ]  # fmt: skip
    return {
        "rows": shown,
        "total": found.total,
        "counted": time_of(found.at),
        "scale": max(row["n"] for row in shown),
        "url": page,
        "why_none": "" if found.ready else words.why_none(found),
    }
