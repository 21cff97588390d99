"""The whole board of a place at one moment, ready to be shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from core.calendar import business_date
from core.stats import wilson
from metrics import registry
from metrics.floor import alerts, leads, people, promises
from metrics.floor.expectation import Expectation, expectation_for
from metrics.floor.judge import verdict, verdict_of_rate
from metrics.floor.people import Crew, Now
from metrics.floor.places import REGIONAL, Place
from metrics.floor.today import Today, Work, read_today
from people.models import City, Team, User

STATES = (people.TALK, people.WRAP, people.IDLE, people.AWAY)
STATE, DEALS = "state", "deals"
MOST_AGENTS = 60  # of a whole city or region; a team is shown whole


@dataclass(frozen=True)
class Look:
    """What else the address says: the order of the agents, only those of one state."""

    order: str = STATE
    show: str = ""


@dataclass(frozen=True)
class Rate:
    """A share in percent beside its expectation. `is_target`: the campaign's own, not what used to be."""

    value: float | None
    low: float
    high: float
    expected: float | None
    verdict: str
    is_target: bool

    @property
    def difference(self) -> float | None:
        return None if self.value is None or self.expected is None else self.value - self.expected


@dataclass(frozen=True)
class Hour:
    hour: int
    deals: int | None
    expected: float | None


@dataclass(frozen=True)
class Row:
    """A line of the drill table. `scale`: the length of its bars."""

    label: str
    url: str
    close_url: str
    is_team: bool
    is_open: bool
    is_chosen: bool
    crew: Crew
    deals: int
    expected: float | None
    success: float | None
    scale: float

    @property
    def against(self) -> float | None:
        return None if self.expected is None else self.deals - self.expected

    @property
    def verdict(self) -> str:
        return verdict(self.deals, self.expected)


@dataclass(frozen=True)
class Card:
    """One agent. `now` is None for an agent who is not signed in."""

    agent_id: int
    name: str
    url: str
    deals: int
    expected: float | None
    now: Now | None


@dataclass(frozen=True)
class Board:
    place: Place
    look: Look
    at: datetime
    day: date
    deals: int
    expected: float | None
    basis: str
    success: Rate
    contact: Rate
    after_call: float | None
    after_call_limit: int
    over_limit: int
    crew: Crew
    promises: promises.Promises
    hours: list[Hour]
    hour: int
    alerts: list[alerts.Alert]
    funnel: leads.Funnel
    rows: list[Row]
    total: Row | None
    cards: list[Card]
    found: int
    per_agent: float | None

    @property
    def running(self) -> int | None:
        """Place of the hour that is not over."""
        return next((n for n, row in enumerate(self.hours) if row.hour == self.hour), None)

    @property
    def deals_verdict(self) -> str:
        return verdict(self.deals, self.expected)

    @property
    def title(self) -> str:
        place = self.place
        return str(
            place.team or (_("Regional teams") if place.is_regional else place.city) or place.region or _("Floor")
        )

    @property
    def query(self) -> str:
        return _query(self.place, self.look)

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        """The places above this one that the user may see."""
        place, found = self.place, []
        if place.is_region and (place.city or place.is_regional or place.team):
            found.append((place.region or _("Whole region"), address(self, city="", team="")))
        if place.team and (place.city or place.is_regional) and len(place.teams) > 1:
            name = _("Regional teams") if place.is_regional else str(place.city)
            found.append((name, address(self, city=_city_key(place.team.city_id), team="")))
        return found


def _city_key(city_id: int | None) -> str:
    return str(city_id or REGIONAL)


def _query(place: Place, look: Look, **changes: str) -> str:
    city = _city_key(place.city.pk if place.city else None) if place.city or place.is_regional else ""
    parts = {
        "city": city, "team": str(place.team.pk) if place.team else "", "campaign": str(place.campaign.pk) if place.campaign else "",
        "order": look.order if look.order != STATE else "", "show": look.show, **changes,
    }  # fmt: skip
    if parts["team"]:
        parts["city"] = ""
    return urlencode({name: value for name, value in parts.items() if value})


def address(board: Board, **changes: str) -> str:
    return _address(board.place, board.look, **changes)


def _address(place: Place, look: Look, **changes: str) -> str:
    query = _query(place, look, **changes)
    return reverse("metrics:floor") + (f"?{query}" if query else "")


def read_board(*, user: User, place: Place, look: Look, at: datetime) -> Board:
    """Everything the page shows, by a number of queries that does not grow with what there is to show."""
    day, campaign = business_date(at), place.campaign.pk if place.campaign else None
    teams = [team.pk for team in place.teams]
    shown = set(place.shown_ids)
    now = people.read_now(user=user, teams=teams, at=at)
    crews = people.crews(now, teams, day)
    here = [one for one in now if one.team_id in shown]
    wanted = [one for one in here if look.show in ("", one.group)]
    listed = wanted if place.team or look.order == DEALS else wanted[:MOST_AGENTS]
    absent = people.absent(place.team.pk, {one.agent_id for one in now}, day) if place.team and not look.show else []
    agents = {one.agent_id for one in listed} | {agent.pk for agent in absent}
    today = read_today(day=day, teams=teams, shown=shown, agents=agents, campaign_id=campaign)
    expectation = expectation_for(day)
    kept = promises.read_promises(teams=list(shown), day=day, at=at, campaign_id=campaign)
    counted = leads.counted(at)
    work = Work.of(today.teams[team] for team in shown)
    names = people.names(agents | _to_name(here, kept))
    expected = expectation.until(at, shown, campaign)
    rows, total = _drill(place, look, today, crews, expectation, at)
    funnel = leads.funnel(counted, {row.pk for row in place.campaigns_shown()}, place.city_ids)
    return Board(
        place=place, look=look, at=at, day=day, deals=len(work.won), expected=expected, basis=_basis(expectation),
        success=_rate("success_rate", work, expectation, shown, place.campaign),
        contact=_rate("contact_rate", work, expectation, shown, place.campaign),
        after_call=_value("mean_after_call_seconds", _counts(work)),
        after_call_limit=min((row.after_call_limit_seconds for row in place.campaigns_shown()), default=people.AFTER_CALL_LIMIT),
        over_limit=sum(one.over > 0 for one in here), crew=_crew(crews, shown), promises=kept,
        hours=_hours(today.hours, expectation.by_hour(shown, campaign), at), hour=timezone.localtime(at).hour,
        alerts=_alerts(user, place, look, here, names, kept, counted, rows, crews), funnel=funnel, rows=rows, total=total,
        cards=_cards(place, look, listed, absent, today, names, expectation, at), found=len(wanted),
        per_agent=expectation.of_one_agent(at, place.team.pk, campaign) if place.team else None,
    )  # fmt: skip


def _to_name(here: Sequence[Now], kept: promises.Promises) -> set[int]:
    """Those whom an alert may name: the longest two of each kind."""
    by_age = sorted(here, key=lambda one: one.since)
    over = [one.agent_id for one in by_age if one.over][:2]
    waiting = [one.agent_id for one in by_age if one.group == people.IDLE][:2]
    return {*over, *waiting, *(agent for agent, _due in kept.risky)}


def _counts(work: Work) -> dict[str, int | None]:
    """Measures of the registry, as far as the floor needs them."""
    return {
        "calls": work.calls, "calls_connected": work.calls_connected, "after_call_seconds": work.after_call_seconds,
        "customers_called": len(work.called), "customers_reached": len(work.reached), "customers_won": len(work.won),
    }  # fmt: skip


def _value(key: str, counts: Mapping[str, int | None]) -> float | None:
    found = registry.indicator(key)
    return found.value(counts) if found else None


def _rate(key: str, work: Work, expectation: Expectation, teams: set[int], campaign: Campaign | None) -> Rate:
    indicator = registry.indicator(key)
    assert indicator is not None
    counts = _counts(work)
    above, below = indicator.parts(counts) or (0, 0)
    low, high = (share * 100 for share in wilson(above, below))
    target = campaign and (
        campaign.target_success_percent if key == "success_rate" else campaign.target_contact_percent
    )
    called, reached, won = expectation.sums(teams, campaign.pk if campaign else None)
    usual = indicator.value({"customers_called": called, "customers_reached": reached, "customers_won": won})
    expected = float(target) if target is not None else usual
    return Rate(
        indicator.value(counts),
        low,
        high,
        expected,
        verdict_of_rate(low, high, expected) if below else "",
        target is not None,
    )


def _basis(expectation: Expectation) -> str:
    """Where the expectation comes from, in words."""
    count = len(expectation.days)
    if not count:
        return ""
    if expectation.is_same_weekday:
        return _("Expected: mean of the last %(count)s of this weekday.") % {"count": count}
    return _("Expected: mean of the last %(count)s days with calls.") % {"count": count}


def _crew(crews: Mapping[int, Crew], teams: set[int]) -> Crew:
    whole = Crew()
    for team in teams:
        if team in crews:
            whole.add(crews[team])
    return whole


def _hours(deals: Counter[int], expected: list[float] | None, at: datetime) -> list[Hour]:
    """From the first to the last hour with anything in it, the running one included once something happened."""
    running = timezone.localtime(at).hour
    busy = {hour for hour, count in deals.items() if count} | {hour for hour, mean in enumerate(expected or []) if mean}
    if not busy:
        return []
    last = max(*busy, running) if min(busy) <= running else max(busy)
    return [
        Hour(hour, deals[hour] if hour <= running else None, expected[hour] if expected else None)
        for hour in range(min(busy), last + 1)
    ]


# ---------------------------------------------------------------- cities and teams


def _drill(
    place: Place, look: Look, today: Today, crews: Mapping[int, Crew], expectation: Expectation, at: datetime
) -> tuple[list[Row], Row | None]:
    """Cities, the teams of the one that is open under it; and the sum when there is more than one city."""
    cities: dict[int | None, list[Team]] = {}
    for team in place.teams:
        cities.setdefault(team.city_id, []).append(team)
    is_lone = len(cities) == 1
    chosen = place.team.city_id if place.team else place.city.pk if place.city else None
    has_chosen = bool(place.team or place.city or place.is_regional)
    campaign = place.campaign.pk if place.campaign else None
    figures = _Figures(today, crews, expectation, campaign, at)
    city_scale = max((figures.length({team.pk for team in teams}) for teams in cities.values()), default=0)
    team_scale = max((figures.length({team.pk}) for team in place.teams), default=0)
    rows = []
    for city_id, teams in sorted(cities.items(), key=lambda item: item[0] is None):
        is_open = is_lone or has_chosen and city_id == chosen
        key = _city_key(city_id)
        rows.append(figures.row(
            {team.pk for team in teams}, city_scale, label=_name_of(teams[0].city), url=_address(place, look, city=key, team=""),
            close_url=_address(place, look, city="", team="") if is_open and not is_lone else "", is_open=is_open,
            is_chosen=is_open and place.team is None and has_chosen,
        ))  # fmt: skip
        for team in teams if is_open else ():
            rows.append(figures.row(
                {team.pk}, team_scale, label=str(team), url=_address(place, look, city="", team=str(team.pk)), is_team=True,
                is_chosen=place.team is not None and place.team.pk == team.pk,
            ))  # fmt: skip
    whole = {team.pk for team in place.teams}
    total = None if is_lone or not whole else figures.row(whole, 0, label=place.region or _("Together"))
    return rows, total


def _name_of(city: City | None) -> str:
    return str(city) if city else _("Regional teams")


@dataclass(frozen=True)
class _Figures:
    today: Today
    crews: Mapping[int, Crew]
    expectation: Expectation
    campaign: int | None
    at: datetime

    def length(self, teams: set[int]) -> float:
        deals = sum(len(self.today.teams[team].won) for team in teams)
        return max(deals, self.expectation.until(self.at, teams, self.campaign) or 0) * 1.2

    def row(
        self, teams: set[int], scale: float, *, label: str, url: str = "", close_url: str = "", is_team: bool = False,
        is_open: bool = False, is_chosen: bool = False,
    ) -> Row:  # fmt: skip
        work = Work.of(self.today.teams[team] for team in teams)
        expected = self.expectation.until(self.at, teams, self.campaign)
        return Row(
            label, url, close_url, is_team, is_open, is_chosen, _crew(self.crews, teams), len(work.won), expected,
            _value("success_rate", _counts(work)), scale or self.length(teams),
        )  # fmt: skip


# ---------------------------------------------------------------- agents


def _cards(
    place: Place, look: Look, listed: Sequence[Now], absent: Sequence[User], today: Today, names: Mapping[int, str],
    expectation: Expectation, at: datetime,
) -> list[Card]:  # fmt: skip
    campaign = place.campaign.pk if place.campaign else None
    each = {team: expectation.of_one_agent(at, team, campaign) for team in {one.team_id for one in listed}}
    calls = alerts.url_of("campaigns:calls")

    def card(agent: int, now: Now | None, expected: float | None) -> Card:
        parts: dict[str, Any] = {"agent": agent, "since": business_date(at).isoformat()}
        url = f"{calls}?{urlencode(parts)}" if calls else ""
        return Card(agent, names.get(agent, ""), url, len(today.agents.get(agent, ())), expected, now)

    cards = [card(one.agent_id, one, each[one.team_id]) for one in listed]
    cards += [card(agent.pk, None, None) for agent in absent]
    if look.order == DEALS:
        cards.sort(key=lambda one: (-one.deals, one.now is None, one.name))
    return cards if place.team else cards[:MOST_AGENTS]


# ---------------------------------------------------------------- decisions


def _alerts(
    user: User, place: Place, look: Look, here: Sequence[Now], names: Mapping[int, str], kept: promises.Promises,
    counted: leads.Counted, rows: Sequence[Row], crews: Mapping[int, Crew],
) -> list[alerts.Alert]:  # fmt: skip
    campaigns, shown = place.campaigns_shown(), set(place.shown_ids)
    on = {
        campaign.pk: sum(crews[team].on for team in shown if team in crews and (campaign.pk, team) in place.links)
        for campaign in campaigns
    }
    ready = leads.funnel(counted, {campaign.pk for campaign in campaigns}, place.city_ids).ready
    cities = {team.city_id: team.city for team in place.shown if team.city}
    teams = [(row.label, row.url, row.deals, row.expected) for row in rows if row.is_team or not row.is_open]
    if place.team:
        teams = [(row.label, row.url, row.deals, row.expected) for row in rows if row.is_team and row.is_chosen]
    return alerts.in_order([
        *alerts.switched_off(campaigns, list(cities.values()), user),
        *alerts.few_leads(campaigns, lambda campaign: leads.funnel(counted, {campaign.pk}, place.city_ids), on),
        *alerts.under_expectation(teams),
        *alerts.unkept(kept, names),
        *alerts.long_wait(here, names, ready, _address(place, look, show=people.IDLE)),
        *alerts.long_after_call(here, names, _address(place, look, show=people.WRAP)),
    ])  # fmt: skip
