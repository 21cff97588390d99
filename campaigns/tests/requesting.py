"""Data requests for tests: asked for, approved, filled."""

from __future__ import annotations

from typing import Any

from campaigns.models import Campaign, DataRequest
from campaigns.services import data_requests as services
from campaigns.services.data_requests import Asked
from campaigns.tests.factories import person
from core.calendar import business_date
from core.clock import database_now
from core.jobs import run_inline
from people.models import City, User

OLD = {"version": 1, "root": {"group": "and", "parts": [{"is": "age", "op": "at_least", "value": 60}]}}


def asked_for(campaign: Campaign, city: City | None = None, *, by: User | None = None, **asked: Any) -> DataRequest:
    """Customers of at least 60, needed today, by a campaign manager of the city."""
    at = database_now()
    today = business_date(at)
    told = {"wanted": 10, "conditions": OLD, "needed_on": today, "use_until": today, "reason": "Spring wave", **asked}
    return services.ask_data(
        campaign=campaign, city=city, asked=Asked(**told), by=by or person("campaign_manager", city=city), at=at
    )


def approved(request: DataRequest, by: User | None = None) -> DataRequest:
    return services.approve_request(request=request, by=by or person("data"), at=database_now())


def filled(request: DataRequest) -> DataRequest:
    """Approved, and its job done."""
    run_inline(approved(request).job_id)
    request.refresh_from_db()
    return request


def closed(request: DataRequest) -> DataRequest:
    """Closed early, and its job done."""
    row = services.close_request(request=request, reason="Enough", by=person("data"), at=database_now())
    run_inline(row.job_id)
    row.refresh_from_db()
    return row
