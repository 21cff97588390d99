"""What a wrap-up holds, collected at one moment as plain values: figures by the one definition in metrics, and what was learnt. No customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, Q, Sum, Value, When
from django.db.models.functions import NullIf

from campaigns.models import Campaign, Experiment
from core.calendar import business_date, midnight
from core.stats import wilson
from metrics import naming, queries, registry
from metrics.builds import LATE
from metrics.models import Partition
from metrics.questions import ask
from metrics.trial_page import board_of
from people.models import City
from qa import scoring
from qa.earning import earned, to_tenths
from qa.models import Appeal, Complaint, Evaluation, EvaluationAnswer, FormItem, FullRunSheet, Severity
from scripts.models import GuidanceMap, Phrase

COUNTS = (
    "calls", "calls_connected", "customers_called", "customers_reached", "customers_won", "customers_cancelled", "customers_complained",
    "orders", "orders_cancelled", "amount_cents", "final_amount_cents",
)  # fmt: skip
RATES = (
    "contact_rate", "success_rate", "final_success_rate", "cancellation_rate", "complaint_rate", "quality_score",
)  # fmt: skip
FIRST_HOURS = ("calls", "calls_connected", "customers_reached", "customers_won", "calls_scored", "calls_passed")
MOST_ERRORS, MOST_PHRASES = 10, 10
# when it was made and counted; what the rest of the content may be compared without
MOMENTS = ("made_on", "counted_at")

Content = dict[str, Any]


def collect(campaign: Campaign, at: datetime) -> Content:
    """Everything of the wrap-up but the words."""
    since, until = dates_of(campaign, at)
    measured = _indicators()
    question = ask(since=since, until=until, filters={"campaign": [campaign.pk]})
    computed = queries.computed_at(question)
    return {
        "campaign": _plan(campaign),
        "since": since.isoformat(),
        "until": until.isoformat(),
        "made_on": business_date(at).isoformat(),
        "counted_at": computed.isoformat() if computed else "",
        "definitions": {found.key: found.version for found in measured},
        "young": [found.key for found in measured if found.is_young(until, business_date(at))],
        "figures": _figures(campaign, since, until, measured),
        "complaints": _complaints(campaign),
        **_errors(campaign, since, until),
        "phrases": _phrases(campaign),
        "map": _map(campaign),
        "gates": _gates(campaign),
        "first_hours": _first_hours(campaign),
        "experiments": [_experiment(row, at) for row in campaign.experiments.exclude(state="draft").order_by("pk")],
    }


def lasting(content: Mapping[str, Any]) -> Content:
    """The content without the moments at which it was made: two of the same state of things are equal."""
    return {key: value for key, value in content.items() if key not in MOMENTS}


def dates_of(campaign: Campaign, at: datetime) -> tuple[date, date]:
    """From the first to the last day of the campaign, at most until today; without dates since it was planned."""
    today = business_date(at)
    since = min(campaign.starts_on or business_date(campaign.created_at), today)
    return since, max(since, min(campaign.ends_on or today, today))


def days_waiting(campaign: Campaign, at: datetime) -> int:
    """Days of the campaign before today of which the figures are not counted to the last call."""
    since, until = dates_of(campaign, at)
    days = Partition.objects.filter(LATE, day__range=(since, until), day__lt=business_date(at))
    return days.values("day").distinct().count()


def _indicators() -> list[registry.Indicator]:
    return [found for key in RATES if (found := registry.indicator(key)) is not None]


def _plan(campaign: Campaign) -> Content:
    percent = campaign.target_success_percent
    return {
        "code": campaign.code,
        "name": campaign.name,
        "city": _city_names(campaign.city),
        "product": campaign.product.name,
        "offer": campaign.offer.name if campaign.offer else "",
        "script": str(campaign.script_version or ""),
        "type": str(campaign.type),
        "purpose": str(campaign.purpose),
        "target_customers": campaign.target_customers,
        "target_success_percent": None if percent is None else float(percent),
    }


def _city_names(city: City | None) -> list[str]:
    """English and Chinese, [] for the whole region."""
    return [city.name, city.name_zh or city.name] if city else []


# ---------------------------------------------------------------- figures


def _figures(campaign: Campaign, since: date, until: date, measured: list[registry.Indicator]) -> list[Content]:
    """The whole, each city and each team, every line counted at its own level."""
    wanted = list(dict.fromkeys([*COUNTS, *(name for found in measured for name in sorted(found.measures))]))
    place: dict[str, Any] = {"since": since, "until": until, "filters": {"campaign": [campaign.pk]}}
    total = queries.total_of(ask(**place), wanted)
    lines = [_line("total", ["", ""], total, measured)]
    cities = {city.pk: _city_names(city) for city in City.objects.all()}
    teams = naming.file_names("team")
    for level in ("city", "team"):
        for row in queries.rows_of(ask(**place, by=[level]), wanted, keep=False):
            number = row.key[0] or 0
            names = cities.get(number, [f"#{number}"] * 2) if level == "city" else [teams.get(number, f"#{number}")] * 2
            lines.append(_line(level, names, row, measured))
    order = ("total", "city", "team")
    return sorted(lines, key=lambda line: (order.index(line["level"]), line["names"]))


def _line(level: str, names: list[str], row: queries.Row, measured: Iterable[registry.Indicator]) -> Content:
    return {
        "level": level,
        "names": names,
        "counts": {name: row.counts.get(name) or 0 for name in COUNTS},
        "rates": {found.key: _rate(found, row.counts) for found in measured},
    }


def _rate(indicator: registry.Indicator, counts: registry.Counts) -> Content:
    """The figure with what it is made of; `low` and `high` (95 percent) where it is a share of customers."""
    value, parts = indicator.value(counts), indicator.parts(counts)
    kept: Content = {"value": None if value is None else round(value, 6), "small": indicator.is_small(counts)}
    if parts is None or not indicator.is_share:
        return kept
    kept |= {"above": parts[0], "below": parts[1]}
    if 0 <= parts[0] <= parts[1] and parts[1]:
        low, high = wilson(*parts)
        kept |= {"low": round(100 * low, 6), "high": round(100 * high, 6)}
    return kept


# ---------------------------------------------------------------- what was learnt


def _complaints(campaign: Campaign) -> list[Content]:
    rows = Complaint.objects.filter(campaign_id=campaign.pk).values("category__name").annotate(
        n=Count("pk"), serious=Count("pk", filter=Q(severity=Severity.SERIOUS))
    )  # fmt: skip
    found = [{"category": row["category__name"], "n": row["n"], "serious": row["serious"]} for row in rows]
    return sorted(found, key=lambda row: (-row["n"], row["category"]))


def _errors(campaign: Campaign, since: date, until: date) -> Content:
    """What scorers of calls drawn at random found wanting most often, as answered, or as decided for the agent."""
    days = {"call_started_at__gte": midnight(since), "call_started_at__lt": midnight(until + timedelta(days=1))}
    scored = Evaluation.objects.submitted().at_random().filter(campaign_id=campaign.pk, **days)
    decided = When(appeal__decision=Appeal.Decision.OVERTURNED, then=NullIf("appeal__right_answer", Value("")))
    told = EvaluationAnswer.objects.filter(evaluation__in=scored).annotate(told=Case(decided, default=F("answer")))
    applied = told.exclude(told=None).exclude(told=scoring.NOT_APPLICABLE).values("item")
    counted = applied.annotate(n=Count("pk"), bad=Sum(1 - earned("told"))).filter(bad__gt=0)
    rows = list(counted.order_by("-bad", "item")[:MOST_ERRORS])
    items = FormItem.objects.select_related("stage__version__form").in_bulk([row["item"] for row in rows])
    return {
        "scored": scored.count(),
        "errors": [_error(items[row["item"]], row["bad"], row["n"]) for row in rows],
    }


def _error(item: FormItem, bad: float, n: int) -> Content:
    form = item.stage.version.form
    return {
        "texts": [item.text, item.text_zh],
        "stages": [item.stage.name, item.stage.name_zh],
        "forms": [form.name, form.name_zh],
        "version": item.stage.version.number,
        "bad": to_tenths(bad),
        "n": n,
    }


def _phrases(campaign: Campaign) -> list[Content]:
    """The best phrases in use for the product, without who said them."""
    found = Phrase.objects.filter(Q(product=campaign.product_id) | Q(product=None), retired_at=None)
    rows = found.annotate(votes_now=Count("votes")).order_by("-votes_now", "-added_at", "-pk")[:MOST_PHRASES]
    return [{"text": row.text, "part": row.part, "votes": row.votes_now} for row in rows]


def _map(campaign: Campaign) -> Content | None:
    """The guidance map that is worked on, else the one archived last."""
    own = list(GuidanceMap.objects.filter(campaign_id=campaign.pk).order_by("-made_at", "-pk"))
    found = next((row for row in own if row.archived_at is None), own[0] if own else None)
    if found is None:
        return None
    cards = found.cards.order_by("position", "pk").values("quadrant", "text", "note")
    return {"id": found.pk, "title": found.title, "cards": list(cards)}


def _gates(campaign: Campaign) -> list[Content]:
    rows = campaign.gates.select_related("decided_by", "second_by")
    order: list[str] = [str(stage) for stage in Campaign.ORDER]
    return [
        {
            "stage": row.stage,
            "status": row.status,
            "decided_by": str(row.decided_by or ""),
            "second_by": str(row.second_by or ""),
            "decided_at": row.decided_at.isoformat() if row.decided_at else "",
            "reason": row.reason,
        }
        for row in sorted(rows, key=lambda row: order.index(row.stage) if row.stage in order else len(order))
    ]


def _first_hours(campaign: Campaign) -> list[Content]:
    """The sheets of the full run as they were frozen at their hours, with what was decided; nothing of them is counted again."""
    sheets = FullRunSheet.objects.filter(run__campaign=campaign).select_related("decided_by").order_by("hour")
    return [
        {
            "hour": sheet.hour,
            "until": sheet.until.isoformat(),
            "counts": {name: sheet.figures["so_far"].get(name, 0) for name in FIRST_HOURS},
            "judged": sheet.figures["judged"],
            "by_limits": sheet.by_limits,
            "decision": sheet.decision,
            "decided_by": str(sheet.decided_by or ""),
            "reason": sheet.reason,
        }
        for sheet in sheets
    ]


def _experiment(experiment: Experiment, at: datetime) -> Content:
    board = board_of(experiment, at)
    return {
        "name": experiment.name,
        "question": experiment.question,
        "kind": experiment.kind,
        "indicator": experiment.indicator,
        "state": experiment.state,
        "adopted": experiment.adopted.number if experiment.adopted else None,
        "reason": experiment.reason,
        "arms": [
            {
                "number": row.line.arm.number,
                "thing": str(row.line.arm.thing or ""),
                "persons": row.line.size,
                "percent": None if row.line.rate.value is None else round(row.line.rate.value, 6),
                "said": board.verdicts.get(row.line.arm.pk, ""),
            }
            for row in board.rows
        ],
    }
