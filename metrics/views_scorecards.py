"""Sources and lists side by side, one list in its campaigns, and a sample beside the other sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, overload

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_GET

from campaigns import rules as campaign_rules
from core.listing import Column, Listing
from customers import rules
from customers.list_queries import lists_of
from customers.models import LeadList, RowVerdict, Source
from metrics import registry, samples, scorecards
from metrics.scorecards import Rate, Score
from people.access import must

Verdict = RowVerdict.Verdict


class Rows(Sequence):
    """Lines that are counted, not stored, where a list expects a query set."""

    def __init__(self, rows: Sequence[Score]) -> None:
        self._rows = rows

    @overload
    def __getitem__(self, place: int) -> Score: ...
    @overload
    def __getitem__(self, place: slice) -> Rows: ...
    def __getitem__(self, place: int | slice) -> Score | Rows:
        return Rows(self._rows[place]) if isinstance(place, slice) else self._rows[place]

    def __len__(self) -> int:
        return len(self._rows)

    def order_by(self) -> Rows:
        return self

    def count(self) -> int:  # type: ignore[override]
        return len(self)

    def iterator(self, chunk_size: int) -> Iterator[Score]:
        return iter(self._rows)


class Scores(Listing):
    """A list of scores: sorted here, and in files every rate with its interval."""

    def __init__(self, request: HttpRequest, rows: list[Score], columns: Sequence[Column], **more: Any) -> None:
        super().__init__(request, None, columns, **more)  # type: ignore[arg-type]
        self._scores = rows

    @cached_property
    def queryset(self) -> Any:
        wanted = self.sort or self.order
        column = next(column for column in self.columns if column.name == wanted.removeprefix("-"))
        known = [(found, score) for score in self._scores if (found := _bare(column.value_of(score))) is not None]
        known.sort(key=lambda pair: pair[0], reverse=wanted.startswith("-"))
        placed = {id(score) for _found, score in known}
        return Rows([*(score for _found, score in known), *(row for row in self._scores if id(row) not in placed)])

    def file_columns(self) -> list[Column]:
        found: list[Column] = []
        for column in super().file_columns():
            found.append(column)
            if column.name in scorecards.RATES:
                found += [_bound(column, "low", _("lower limit")), _bound(column, "high", _("upper limit"))]
        return found


def _bare(value: Any) -> Any:
    return value.value if isinstance(value, Rate) else value


def _bound(column: Column, name: str, label: str) -> Column:
    return Column(
        f"{column.name}_{name}",
        f"{column.label}, {label}",
        value=lambda score: getattr(score.rate(column.name), name),
        format="0.00",
    )


def _number(name: str, label: Any, value: Callable[[Score], Any]) -> Column:
    return Column(name, label, value=value, sort=name, num=True, kind="number")


def _rate(key: str) -> Column:
    found = registry.indicator(key)
    return Column(
        key,
        found.label if found else key,
        value=lambda score: score.rate(key),
        sort=key,
        num=True,
        template="metrics/_rate.html",
        export=lambda score: score.rate(key).value,
        format="0.00",
    )


def _verdicts(*names: str) -> Callable[[Score], int]:
    return lambda score: sum(score.verdicts[name] for name in names)


def _name(label: Any) -> Column:
    return Column("name", label, sort="name", width=28)


def _received() -> list[Column]:
    return [
        _number("received", gettext_lazy("Rows received"), lambda score: score.received),
        _number("taken", gettext_lazy("New or updated"), lambda score: score.taken),
        _number("duplicate", gettext_lazy("Duplicates"), _verdicts(Verdict.DUPLICATE)),
        _number("left", gettext_lazy("Known, left out"), _verdicts(Verdict.LEFT)),
        _number("invalid", gettext_lazy("Invalid"), _verdicts(Verdict.INVALID)),
        _number("suppressed", gettext_lazy("Suppressed"), _verdicts(Verdict.SUPPRESSED)),
    ]


def _called() -> list[Column]:
    return [
        _number("called", gettext_lazy("Customers called"), lambda score: score.called),
        *map(_rate, scorecards.RATES),
    ]


def _money(name: str, label: Any, value: Callable[[Score], float | None]) -> Column:
    return Column(name, label, value=value, sort=name, num=True, kind="fixed", format="0.00")


def _cost() -> list[Column]:
    return [
        _money("cost", gettext_lazy("Cost"), lambda score: score.cost),
        _money("cost_per_order", gettext_lazy("Cost per order"), lambda score: score.cost_per_order),
    ]


def _columns(label: Any, *more: Column) -> list[Column]:
    """What decides stands first: a screen shows the rates and the cost, the rest is to the right."""
    received, *verdicts = _received()
    return [_name(label), received, *_called(), *_cost(), *verdicts, *more]


def _source_columns() -> list[Column]:
    return _columns(
        gettext_lazy("Source"),
        _number("lists", gettext_lazy("Lists"), lambda score: score.lists),
        Column("supplier", gettext_lazy("Supplier"), value="source.supplier", sort="supplier"),
        _money("price", gettext_lazy("Price per row"), lambda score: score.price),
    )


EMPTY = gettext_lazy("No list is committed yet. Upload and commit one; its calls are counted from then on.")


@require_GET
def source_scorecards(request: HttpRequest) -> HttpResponseBase:
    """All sources side by side."""
    must(request, rules.can_see_sources(request.user))
    listing = Scores(
        request,
        scorecards.source_scores(request.user),
        _source_columns(),
        name="metrics.sources",
        title=_("Sources compared"),
        order="name",
        empty_text=EMPTY,
        row_link=lambda score: reverse("metrics:scorecard-source", args=[score.pk]),
    )
    return listing.page_or_export("metrics/scorecards.html", {"crumbs": [_crumb_sources()]})


@require_GET
def source_scorecard(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The lists of one source side by side."""
    must(request, rules.can_see_sources(request.user))
    source = get_object_or_404(Source, pk=pk)
    listing = Scores(
        request,
        scorecards.list_scores(request.user, lambda found: found.filter(source=source)),
        _columns(gettext_lazy("List")),
        name="metrics.lists_of_source",
        title=source.name,
        order="name",
        empty_title=_("No list of this source yet."),
        empty_text=EMPTY,
        row_link=lambda score: reverse("metrics:scorecard-list", args=[score.pk]),
    )
    return listing.page_or_export("metrics/scorecards.html", {"crumbs": [_crumb_sources(), _crumb_compared()]})


@require_GET
def list_scorecard(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One list: what came of its rows, and its rates in each campaign that called it."""
    must(request, rules.can_see_sources(request.user))
    lead_list = get_object_or_404(lists_of(request.user).filter(status__in=LeadList.STORED), pk=pk)
    (score,) = scorecards.list_scores(request.user, lambda found: found.filter(pk=lead_list.pk))
    listing = Scores(
        request,
        scorecards.campaign_scores(request.user, lead_list),
        [_name(gettext_lazy("Campaign")), *_called()],
        name="metrics.list_in_campaigns",
        title=lead_list.name,
        order="name",
        empty_title=_("Nobody of this list has been called yet."),
        empty_text=_("Assign the list to a campaign; its rates appear here with the calls."),
    )
    context = {
        "crumbs": [_crumb_sources(), _crumb_compared(), _crumb_source(lead_list.source)],
        "score": score,
        "rates": [(registry.indicator(key), score.rate(key)) for key in scorecards.RATES],
        "samples": samples.samples_of(request.user).filter(allocation__lead_list=lead_list).order_by("-at"),
    }
    return listing.page_or_export("metrics/scorecard_list.html", context)


@require_GET
def sample(request: HttpRequest, pk: int) -> HttpResponse:
    """A sample beside the other sources of its campaign, in words, and the two ways on."""
    user = request.user
    must(request, rules.can_see_sources(user))
    found = get_object_or_404(samples.samples_of(user), pk=pk)
    allocation = found.allocation
    comparison = samples.compare(found, user)
    context = {
        "comparison": comparison,
        "lines": [comparison.mine, comparison.together, *comparison.others],
        "sample": found,
        "allocation": allocation,
        "waiting": allocation.left_out.get("waiting", 0),
        "may_decide": campaign_rules.can_allocate(user) and found.state == found.State.TRIED,
        "crumbs": [_crumb_sources(), _crumb_compared(), _crumb_source(allocation.lead_list.source)],
    }
    return render(request, "metrics/sample.html", context)


def _crumb_sources() -> tuple[str, str]:
    return _("Sources"), reverse("customers:sources")


def _crumb_compared() -> tuple[str, str]:
    return _("Sources compared"), reverse("metrics:scorecards")


def _crumb_source(source: Source) -> tuple[str, str]:
    return source.name, reverse("metrics:scorecard-source", args=[source.pk])
