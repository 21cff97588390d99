"""The whole board of a place at one moment, ready to be shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from campaigns.queries_registers import stopped_by_register
from campaigns.rules import can_see_callbacks
from core.calendar import business_date
from core.stats import wilson
from metrics import registry
from metrics.floor import alerts, leads, people, promises
from metrics.floor.addresses import DEALS, Look, address_of, city_key, query_of, url_of
from metrics.floor.cards import MOST_AGENTS, Card, read_cards
from metrics.floor.drill import Row, counts_of, crew_of, drill, value_of
from metrics.floor.expectation import Expectation, expectation_for
from metrics.floor.judge import verdict, verdict_of_rate
from metrics.floor.people import Crew, Now, SignedIn
from metrics.floor.places import Place
from metrics.floor.today import Work, read_today
from metrics.trial_page import news_of
from people.models import User


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

    @property
    def verdict(self) -> str:
        """Whether the hour lies clear of what was expected, as for cities and teams."""
        return "" if self.deals is None else verdict(self.deals, self.expected)


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
    callbacks_url: str

    @property
    def running(self) -> int | None:
        """Place of the hour that is not over."""
        return next((n for n, row in enumerate(self.hours) if row.hour == self.hour), None)

    @property
    def deals_verdict(self) -> str:
        return verdict(self.deals, self.expected)

    @property
    def has_drill(self) -> bool:
        """Whether there is anything to choose between."""
        return len(self.rows) > 1

    @property
    def card_scale(self) -> float:
        """The length of the agents' bars: one for all, so that they can be compared."""
        return max((max(card.deals, card.expected or 0) for card in self.cards), default=0) * 1.2

    @property
    def title(self) -> str:
        place = self.place
        return str(
            place.team or (_("Regional teams") if place.is_regional else place.city) or place.region or _("Floor")
        )

    @property
    def query(self) -> str:
        return query_of(self.place, self.look)

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        """The places above this one that the user may see."""
        place, found = self.place, []
        if place.is_region and (place.city or place.is_regional or place.team):
            found.append((place.region or _("Whole region"), address(self, city="", team="")))
        if place.team and (place.city or place.is_regional) and len(place.teams) > 1:
            name = _("Regional teams") if place.is_regional else str(place.city)
            found.append((name, address(self, city=city_key(place.team.city_id), team="")))
        return found


def address(board: Board, **changes: str) -> str:
    return address_of(board.place, board.look, **changes)


def read_board(*, user: User, place: Place, look: Look, at: datetime) -> Board:
    """Everything the page shows, by a number of queries that does not grow with what there is to show."""
    day, campaign = business_date(at), place.campaign.pk if place.campaign else None
    teams = [team.pk for team in place.teams]
    shown = set(place.shown_ids)
    by_deals = look.order == DEALS and not place.team
    most = None if place.team else 0 if by_deals else MOST_AGENTS
    signed_in = people.read_signed_in(teams=teams, shown=shown, day=day, at=at, group=look.show, most=most)
    crews, listed = signed_in.crews, signed_in.listed
    crew = crew_of(crews, shown)
    absent = people.absent(place.team.pk, teams, day) if place.team and not look.show else []
    agents = set(people.signed_in_ids(shown, look.show)) if by_deals else {one.agent_id for one in listed}
    agents |= {agent.pk for agent in absent}
    today = read_today(day=day, teams=teams, shown=shown, agents=agents, campaign_id=campaign)
    if by_deals:
        deals = {agent: len(won) for agent, won in today.agents.items()}
        listed = people.best(agents, deals, teams=teams, at=at, most=MOST_AGENTS)
    expectation = expectation_for(day)
    kept = promises.read_promises(teams=list(shown), day=day, at=at, campaign_id=campaign)
    counted = leads.counted(at)
    work = Work.of(today.teams[team] for team in shown)
    names = people.names(_to_name(listed, absent, signed_in, kept))
    expected = expectation.until(at, shown, campaign)
    rows, total = drill(place, look, today, crews, expectation, at)
    funnel = leads.funnel(counted, {row.pk for row in place.campaigns_shown()}, place.city_ids, at)
    return Board(
        place=place, look=look, at=at, day=day, deals=len(work.won), expected=expected, basis=_basis(expectation),
        success=_rate("success_rate", work, expectation, shown, place.campaign),
        contact=_rate("contact_rate", work, expectation, shown, place.campaign),
        after_call=value_of("mean_after_call_seconds", counts_of(work)),
        after_call_limit=min((row.after_call_limit_seconds for row in place.campaigns_shown()), default=people.AFTER_CALL_LIMIT),
        over_limit=crew.over, crew=crew, promises=kept,
        hours=_hours(today.hours, expectation.by_hour(shown, campaign), at), hour=timezone.localtime(at).hour,
        alerts=_alerts(user, place, look, crew, signed_in, names, kept, counted, rows, at), funnel=funnel, rows=rows, total=total,
        cards=read_cards(place, look, listed, absent, today, names, expectation, at), found=crew.states[look.show] if look.show else crew.on,
        per_agent=expectation.of_one_agent(at, place.team.pk, campaign) if place.team else None,
        callbacks_url=url_of("campaigns:callbacks") if can_see_callbacks(user) else "",
    )  # fmt: skip


def _to_name(listed: Sequence[Now], absent: Sequence[User], signed_in: SignedIn, kept: promises.Promises) -> set[int]:
    """Those with a card, and those whom an alert may name."""
    return {
        *(one.agent_id for one in (*listed, *signed_in.over, *signed_in.waiting)),
        *(agent.pk for agent in absent),
        *(agent for agent, _due in kept.risky),
    }


def _rate(key: str, work: Work, expectation: Expectation, teams: set[int], campaign: Campaign | None) -> Rate:
    indicator = registry.indicator(key)
    assert indicator is not None
    counts = counts_of(work)
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
        weekday = date_format(expectation.days[0], "l")
        return _("Expected: mean of the last %(count)s days like today (%(weekday)s).") % {
            "count": count,
            "weekday": weekday,
        }
    return _("Expected: mean of the last %(count)s days with calls.") % {"count": count}


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


# ---------------------------------------------------------------- decisions


def _alerts(
    user: User, place: Place, look: Look, crew: Crew, signed_in: SignedIn, names: Mapping[int, str],
    kept: promises.Promises, counted: leads.Counted, rows: Sequence[Row], at: datetime,
) -> list[alerts.Alert]:  # fmt: skip
    campaigns, shown = place.campaigns_shown(), set(place.shown_ids)
    crews = signed_in.crews
    on = {
        campaign.pk: sum(crews[team].on for team in shown if team in crews and (campaign.pk, team) in place.links)
        for campaign in campaigns
    }
    ready = leads.funnel(counted, {campaign.pk for campaign in campaigns}, place.city_ids, at).ready

    def funnel_of(campaign: Campaign) -> leads.Funnel:
        return leads.funnel(counted, {campaign.pk}, place.city_ids, at)

    cities = {team.city_id: team.city for team in place.shown if team.city}
    teams = [(row.label, row.url, row.deals, row.expected) for row in rows if row.is_team or not row.is_open]
    if place.team:
        teams = [(row.label, row.url, row.deals, row.expected) for row in rows if row.is_team and row.is_chosen]
    return alerts.in_order([
        *alerts.switched_off(campaigns, list(cities.values()), user),
        *alerts.register_too_old(stopped_by_register(campaigns, at=at)),
        *alerts.experiments_to_decide(news_of(campaigns, user)),
        *alerts.few_leads(campaigns, funnel_of, on),
        *alerts.low_stock(campaigns, funnel_of, on),
        *alerts.under_expectation(teams),
        *alerts.unkept(kept, names, user),
        *alerts.long_wait(signed_in.waiting, crew.waiting_long, names, ready, address_of(place, look, show=people.IDLE)),
        *alerts.long_after_call(signed_in.over, crew.over, names, address_of(place, look, show=people.WRAP)),
    ])  # fmt: skip
