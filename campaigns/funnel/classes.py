"""The classes of the funnel. Each lead of a campaign is in exactly one; this is the only place where they, their order and their words stand.

A finished lead is in the class of its outcome, a lead in somebody's hand in `held`. An open lead is in the class of the first thing that
stands against it, in the order of REASONS: first what stands against the person whatever the hour, then what passes with time, last
what stands against the place. So "outside calling hours" says how many could be called if it were open, and `callable` are exactly
the leads that the claim could hand out at that moment. `statement.CLASS` says the same in SQL; a test holds the two and the claim together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from campaigns.models import Lead

CALLABLE, HOURS, PROMISED, QUIET, COOLING, CAP = "callable", "hours", "promised", "quiet", "cooling", "cap"
OFF, HELD, OWNED, CONSENT, GREY, NUMBER, SUPPRESSED = "off", "held", "owned", "consent", "grey", "number", "suppressed"
WON, REFUSED, EXHAUSTED, OTHER = "won", "refused", "exhausted", "other"

# In the order in which pages show them.
WORDS: dict[str, Any] = {
    CALLABLE: _("Callable now"),
    HOURS: _("Outside calling hours"),
    PROMISED: _("Callback promised"),
    QUIET: _("Not to be disturbed now"),
    COOLING: _("Cooling down"),
    CAP: _("Cap reached"),
    OFF: _("Stopped by a switch"),
    HELD: _("With an agent"),
    OWNED: _("With another campaign"),
    CONSENT: _("No consent in force"),
    GREY: _("On the greylist"),
    NUMBER: _("No number in use"),
    SUPPRESSED: _("Not to be called"),
    WON: _("Won"),
    REFUSED: _("Refused"),
    EXHAUSTED: _("Attempts used up"),
    OTHER: _("Ended otherwise"),
}
MEANINGS: dict[str, Any] = {
    CALLABLE: _("The next agent who asks can be handed one of these; a promise that is due counts for who made it."),
    HOURS: _(
        "Nothing but the hour at the customer's place stands against a call, by the rules for everybody or those of a segment."
    ),
    PROMISED: _("The customer agreed a time, and it has not come yet."),
    QUIET: _("The person asked not to be called at this time of the week, or the greylist allows other hours only."),
    COOLING: _("Called a short while ago, or spoken to today: the gap of the rules or the retry rule runs."),
    CAP: _("The person's attempts over all campaigns are used up for now, by the rules or by the greylist."),
    OFF: _(
        "The campaign, its product or the city is switched off, the campaign is not in a calling stage, or a do-not-call register is too old."
    ),
    HELD: _("In somebody's hand just now, in this campaign or another."),
    OWNED: _("Another campaign of the same exclusion group works on this person, or comes first with the person."),
    CONSENT: _("The rules ask for a consent, and the person has given none."),
    GREY: _("The person is called only for other purposes, or only after asking for a call."),
    NUMBER: _("All numbers are dead or on a do-not-call list."),
    SUPPRESSED: _("A do-not-call entry stands against the person, or the person was merged into another."),
    WON: _("Finished with a sale or what the campaign asks for."),
    REFUSED: _("Finished with a refusal of the offer."),
    EXHAUSTED: _("Finished: as often tried as the retry rules allow."),
    OTHER: _("Withdrawn, or closed by another result."),
}

# Reason codes by class, in the order in which the first decides about an open lead.
REASONS: list[tuple[str, tuple[str, ...]]] = [
    (SUPPRESSED, ("suppressed", "product_rest", "merged")),
    (NUMBER, ("no_number",)),
    (CONSENT, ("consent",)),
    (GREY, ("grey",)),
    (HELD, ("held",)),
    (OWNED, ("owned", "served_first")),
    (PROMISED, ("promised",)),
    (CAP, ("cap", "grey_cap")),
    (QUIET, ("quiet", "grey_hours")),
    (COOLING, ("gap", "answered", "resting", "later")),
    (OFF, ("campaign_off", "stage", "product_off", "city_off", "unknown_zone", "outside", "register")),
    (HOURS, ("no_hours", "hours")),
]
OUTCOMES: dict[str, str] = {
    Lead.Outcome.WON: WON,
    Lead.Outcome.REFUSED: REFUSED,
    Lead.Outcome.EXHAUSTED: EXHAUSTED,
    Lead.Outcome.SUPPRESSED: SUPPRESSED,
    Lead.Outcome.BAD_NUMBER: NUMBER,
}

# Leads against which nothing stands but time and hour: they will be called without anybody's doing.
STOCK = (CALLABLE, HOURS, PROMISED, QUIET, COOLING, CAP)
# Those that come free at a known time.
WAITING = (HOURS, PROMISED, QUIET, COOLING, CAP, OWNED, SUPPRESSED)
# Those that stand in nobody's way any more.
FINISHED = (WON, REFUSED, EXHAUSTED, OTHER)


def class_of_open(codes: Iterable[str]) -> str:
    """The class of an open lead by the codes of all that stands against it."""
    found = set(codes)
    return next((name for name, ours in REASONS if found.intersection(ours)), CALLABLE)


def class_of_done(outcome: str) -> str:
    return OUTCOMES.get(outcome, OTHER)
