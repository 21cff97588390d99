"""What needs a decision on the floor now: the sentence, its reason, and the way to act."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _, ngettext

from campaigns.funnel.forecast import forecast
from campaigns.funnel.words import why_none
from campaigns.models import Campaign
from campaigns.rules import can_hand_over
from core.templatetags.look import clock, thousands
from metrics.floor.addresses import url_of
from metrics.floor.judge import fits
from metrics.floor.leads import Funnel
from metrics.floor.people import IDLE, LONG_WAIT, WRAP, Now
from metrics.floor.promises import Promises
from metrics.trial_page import ExperimentNews
from people.models import City, User
from people.rules import can_see_people

GRAVE, DUE = "grave", "due"
LEAST_EXPECTED = 5  # under that a team's shortfall says nothing
MOST_TEAMS = 3


@dataclass(frozen=True)
class Alert:
    level: str
    text: str
    why: str = ""
    url: str = ""
    action: str = ""


def time_of(at: datetime) -> str:
    return f"{timezone.localtime(at):%H:%M}"


def in_order(alerts: Sequence[Alert]) -> list[Alert]:
    """Grave ones first, else as found."""
    return sorted(alerts, key=lambda alert: alert.level != GRAVE)


def named(people: Sequence[str], others: int) -> str:
    """Two names, and how many more."""
    listed = _(", ").join(people[:2])
    rest = others + len(people[2:])
    if not rest:
        return listed
    return ngettext("%(names)s and %(count)s other", "%(names)s and %(count)s others", rest) % {
        "names": listed,
        "count": rest,
    }


def switched_off(campaigns: Sequence[Campaign], cities: Sequence[City], user: User) -> list[Alert]:
    found = []
    for campaign in campaigns:
        url, action = url_of("campaigns:campaign", campaign.pk), _("Open campaign")
        if not campaign.is_on:
            text = _("%(campaign)s is switched off.") % {"campaign": campaign}
            found.append(Alert(GRAVE, text, _("Its leads are handed to nobody."), url, action))
        elif not campaign.product.is_on:
            text = _("%(product)s is switched off, and with it %(campaign)s.") % {
                "product": campaign.product, "campaign": campaign,
            }  # fmt: skip
            found.append(Alert(GRAVE, text, _("A product that is off may not be sold."), url, action))
    city_url = url_of("people:cities") if can_see_people(user) else ""
    for city in cities:
        if not city.is_on:
            text = _("Calling in %(city)s is switched off.") % {"city": city}
            found.append(Alert(GRAVE, text, _("An administrator can switch it on again."), city_url, _("Open cities")))
    return found


def register_too_old(stopped: Sequence[tuple[Campaign, str]]) -> list[Alert]:
    """Campaigns that the age of the do-not-call register keeps from calling."""
    url, action = url_of("customers:registers"), _("Do-not-call registers")
    return [
        Alert(GRAVE, _("%(campaign)s calls nobody.") % {"campaign": campaign}, why, url, action)
        for campaign, why in stopped
    ]


def experiments_to_decide(found: Sequence[ExperimentNews]) -> list[Alert]:
    """Experiments of the campaigns shown whose looks have found something, or are all taken."""
    return [
        Alert(
            GRAVE if news.is_harm else DUE,
            _("Experiment %(experiment)s of %(campaign)s: %(said)s")
            % {"experiment": news.name, "campaign": news.campaign, "said": news.said},
            _("It waits for a decision."),
            url_of("metrics:experiment", news.pk),
            _("Open the experiment"),
        )
        for news in found
    ]


def few_leads(
    campaigns: Sequence[Campaign], funnel_of: Callable[[Campaign], Funnel], on: Mapping[int, int]
) -> list[Alert]:
    """Campaigns whose callable leads end within half an hour. `on`: agents signed in who work on a campaign."""
    found = []
    for campaign in campaigns:
        funnel = funnel_of(campaign)
        is_short = on[campaign.pk] and _is_short(funnel, on[campaign.pk])
        if not (campaign.is_on and campaign.product.is_on and is_short):
            continue
        values = {"campaign": campaign, "leads": thousands(funnel.ready), "pace": thousands(funnel.pace)}
        if funnel.ready:
            text = ngettext(
                "%(campaign)s: %(leads)s callable lead, enough for less than half an hour",
                "%(campaign)s: %(leads)s callable leads, enough for less than half an hour", funnel.ready,
            ) % values  # fmt: skip
        else:
            text = _("%(campaign)s: no lead can be called now") % values
        found.append(Alert(GRAVE, text, why_none(funnel) or _("It has no open leads."), *_to(campaign)))
    return found


def low_stock(
    campaigns: Sequence[Campaign], funnel_of: Callable[[Campaign], Funnel], on: Mapping[int, int]
) -> list[Alert]:
    """Campaigns whose stock lasts fewer working days than they ask for; not those that few_leads tells of already."""
    found = []
    for campaign in campaigns:
        funnel = funnel_of(campaign)
        told = forecast(funnel)
        is_told = on[campaign.pk] and _is_short(funnel, on[campaign.pk])
        if not (campaign.is_on and campaign.product.is_on and told.is_low(campaign.stock_alert_days)) or is_told:
            continue
        text = _("%(campaign)s: its callable leads last less than %(days)s working days") % {
            "campaign": campaign, "days": campaign.stock_alert_days,
        }  # fmt: skip
        found.append(Alert(DUE, text, told.sentence, *_to(campaign)))
    return found


def _is_short(funnel: Funnel, agents: int) -> bool:
    return funnel.ready < funnel.pace or funnel.ready < agents


def _to(campaign: Campaign) -> tuple[str, str]:
    return url_of("campaigns:campaign_why_not", campaign.pk), _("Why not now")


def under_expectation(teams: Sequence[tuple[str, str, int, float | None]]) -> list[Alert]:
    """Teams, (name, url, deals, expected), whose deals agree with nothing near the expectation."""
    behind = []
    for name, url, deals, expected in teams:
        low, high = fits(deals)
        if expected is not None and expected >= LEAST_EXPECTED and high < expected:
            behind.append((expected - deals, name, url, deals, expected, low, high))
    found = []
    for _gap, name, url, deals, expected, low, high in sorted(behind, reverse=True)[:MOST_TEAMS]:
        text = _("%(team)s: %(deals)s deals against %(expected)s expected by now") % {
            "team": name, "deals": thousands(deals), "expected": thousands(round(expected)),
        }  # fmt: skip
        why = _("The data fit %(low)s to %(high)s.") % {"low": thousands(round(low)), "high": thousands(round(high))}
        found.append(Alert(GRAVE, text, why, url, _("See the team")))
    return found


def long_after_call(longest: Sequence[Now], count: int, names: Mapping[int, str], url: str) -> list[Alert]:
    """`count` agents are over the limit; of the `longest` of them the alert speaks by name."""
    if not longest:
        return []
    text = ngettext(
        "%(names)s is over the limit of after-call work", "%(names)s are over the limit of after-call work", count
    )
    text %= {"names": named([names[one.agent_id] for one in longest], count - len(longest))}
    why = _("The longest has lasted %(time)s.") % {"time": clock(longest[0].seconds)}
    return [Alert(DUE, text, why, url, _("Show them"))]


def long_wait(longest: Sequence[Now], count: int, names: Mapping[int, str], ready: int, url: str) -> list[Alert]:
    """`count` agents wait too long; of the `longest` of them the alert speaks by name."""
    if not longest:
        return []
    text = ngettext("%(names)s waits over %(minutes)s minutes", "%(names)s wait over %(minutes)s minutes", count) % {
        "names": named([names[one.agent_id] for one in longest], count - len(longest)), "minutes": LONG_WAIT // 60,
    }  # fmt: skip
    why = (
        ngettext("%(leads)s lead can be called: ask whether the desk stands still.", "%(leads)s leads can be called: ask whether the desk stands still.", ready)
        % {"leads": thousands(ready)} if ready else _("No lead can be called for their teams now.")
    )  # fmt: skip
    return [Alert(DUE, text, why, url, _("Show them"))]


def unkept(promises: Promises, names: Mapping[int, str], user: User) -> list[Alert]:
    if not promises.at_risk:
        return []
    agent, due = promises.risky[0]
    values = {"time": time_of(due), "agent": names.get(agent, ""), "count": promises.at_risk}
    if promises.at_risk == 1:  # who and when is said at once
        text, why = _("Callback at %(time)s promised by %(agent)s, who is not at the desk") % values, ""
    else:
        text = ngettext(
            "%(count)s callback promised by agents who are not at the desk",
            "%(count)s callbacks promised by agents who are not at the desk", promises.at_risk,
        ) % values  # fmt: skip
        why = _("The first at %(time)s, by %(agent)s.") % values
    page = url_of("campaigns:callbacks") if can_hand_over(user) else ""
    return [Alert(DUE, text, why, page and f"{page}?when=today", _("Hand over"))]


def of_group(group: str) -> str:
    """The name of a state group, for the line that says which agents are shown."""
    return {WRAP: _("after call"), IDLE: _("waiting"), "talk": _("talking"), "away": _("away")}[group]
