"""What campaigns does in the background; each body is one service call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _, gettext_lazy

from core.errors import DomainError
from core.jobs import Run, handler, scheduled

MONTHS_AHEAD = 4
# Both are written with every call: a month that lacks one of them is lost to both.
PARTED_BY_MONTH = ("campaigns_call", "customers_contact")


class RowsOutsideMonths(DomainError):
    """The default partition of a table holds rows. The job gives up with this sentence, so that somebody looks."""


def _say_allocation(job: Any) -> str:
    result = job.result or {}
    left_out = sum(count for name, count in result.items() if name not in ("leads", "waiting"))
    if result.get("waiting"):
        return _("%(leads)s leads made of the sample, %(waiting)s customers wait, %(left_out)s left out.") % {
            "leads": result.get("leads", 0),
            "waiting": result["waiting"],
            "left_out": left_out,
        }
    return _("%(leads)s leads made, %(left_out)s customers left out.") % {
        "leads": result.get("leads", 0),
        "left_out": left_out,
    }


@handler("campaigns.allocate_list", label=gettext_lazy("Make leads of a list"), say=_say_allocation)
def allocate_list(run: Run) -> dict[str, Any]:
    from campaigns.services.allocation import make_leads

    return make_leads(run)


def _say_filling(job: Any) -> str:
    result = job.result or {}
    left_out = sum(count for name, count in result.items() if name != "leads")
    return _("%(leads)s leads made, %(left_out)s customers left out.") % {
        "leads": result.get("leads", 0),
        "left_out": left_out,
    }


@handler("campaigns.fill_data_request", label=gettext_lazy("Make leads of a data request"), say=_say_filling)
def fill_data_request(run: Run) -> dict[str, Any]:
    from campaigns.services.data_requests_filling import fill_request

    return fill_request(run)


@handler("campaigns.withdraw_requested_leads", label=gettext_lazy("Withdraw open leads of a data request"))
def withdraw_requested_leads(run: Run) -> dict[str, Any]:
    from campaigns.services.data_requests_filling import withdraw_leads

    return withdraw_leads(run)


@scheduled(
    "campaigns.end_data_requests", daily_at="00:10", label=gettext_lazy("End data requests whose last day has passed")
)
def end_data_requests(run: Run) -> dict[str, Any]:
    from campaigns.services.data_requests import end_due

    return {"ended": end_due(at=run.now())}


@handler("campaigns.allocate_segment", label=gettext_lazy("Make leads of a segment"), say=_say_allocation)
def allocate_segment(run: Run) -> dict[str, Any]:
    from campaigns.services.segment_allocation import make_leads

    return make_leads(run)


@handler("campaigns.follow_customers", label=gettext_lazy("Bring leads along to the new city of their customers"))
def follow_customers(run: Run) -> dict[str, Any]:
    """A list may have moved customers to another city: their leads go with them."""
    from campaigns.services.moving import follow_customers as follow

    return {"leads": follow(lead_list_id=run.args["lead_list"])}


@scheduled(
    "campaigns.release_stale_claims",
    every=timedelta(seconds=60),
    queue="fast",
    label=gettext_lazy("Return leads whose agent went silent"),
)
def release_stale_claims(run: Run) -> dict[str, Any]:
    from campaigns.services.leases import release_stale_claims as release

    return {"returned": release(at=run.now())}


def _say_handed(job: Any) -> str:
    result = job.result or {}
    return _("%(handed)s promises handed over, %(nobody)s without anybody to take them.") % {
        "handed": result.get("handed", 0),
        "nobody": result.get("nobody", 0),
    }


@scheduled(
    "campaigns.hand_over_promises",
    every=timedelta(minutes=3),
    queue="fast",
    label=gettext_lazy("Hand over promises of agents who are not at the desk"),
    say=_say_handed,
)
def hand_over_promises(run: Run) -> dict[str, Any]:
    from campaigns.services.absence import hand_over_promises as work

    return work(at=run.now())


@scheduled(
    "campaigns.count_funnels",
    every=timedelta(seconds=60),
    queue="fast",
    label=gettext_lazy("Count the leads of large campaigns anew"),
)
def count_funnels(run: Run) -> dict[str, Any]:
    from campaigns.funnel.counting import count_again
    from campaigns.funnel.reach import forget_notes

    forget_notes()
    return {"campaigns": count_again(run.now())}


def _say_calls(job: Any) -> str:
    result = job.result or {}
    return _("%(rows)s rows read: %(new)s new, %(unchanged)s unchanged, %(rejected)s rejected.") % {
        "rows": result.get("rows", 0),
        "new": result.get("new", 0) + result.get("cancellation", 0),
        "unchanged": result.get("unchanged", 0),
        "rejected": result.get("conflict", 0) + result.get("invalid", 0),
    }


@handler(
    "campaigns.import_calls",
    label=gettext_lazy("Bring in calls of another dialer"),
    say=_say_calls,
    lease=timedelta(seconds=120),
)
def import_calls(run: Run) -> dict[str, Any]:
    from campaigns.services.history import import_calls as work

    return work(run)


def _say_training(job: Any) -> str:
    result = job.result or {}
    counts = {"rows": result.get("rows", 0), "buyers": result.get("buyers", 0)}
    if result.get("refusal"):
        return _("Refused, having read %(rows)s finished leads with %(buyers)s buyers.") % counts
    return _("Learned from %(rows)s finished leads with %(buyers)s buyers.") % counts


@handler(
    "campaigns.train_likeness",
    label=gettext_lazy("Learn what buyers are like"),
    say=_say_training,
    lease=timedelta(seconds=120),
)
def train_likeness(run: Run) -> dict[str, Any]:
    from campaigns.services.likeness import train

    return train(run)


@handler("campaigns.rank_leads", label=gettext_lazy("Order leads by their likeness to buyers, or put them back"))
def rank_leads(run: Run) -> dict[str, Any]:
    from campaigns.services.likeness_order import rank_leads as work

    return work(run)


@scheduled(
    "campaigns.make_months", daily_at="01:10", label=gettext_lazy("Make room for the calls of the coming months")
)
def make_months(run: Run) -> dict[str, Any]:
    from core.calendar import business_date
    from core.partitions import default_rows, ensure_partitions

    today = business_date(run.now())
    made = sum(ensure_partitions(parent, today, MONTHS_AHEAD) for parent in PARTED_BY_MONTH)
    outside = {parent: count for parent in PARTED_BY_MONTH if (count := default_rows(parent))}
    if outside:
        raise RowsOutsideMonths(
            _("Rows of %(tables)s lie in no month, and their month cannot be made while they do. Move them by hand.")
            % {"tables": ", ".join(f"{parent} ({count})" for parent, count in outside.items())}
        )
    return {"made": made}
