"""A sampling plan of the demo: yesterday drawn, so that the queue of QA has work."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.calendar import business_date
from qa.models import QualityForm
from qa.services import sampling
from telemkt.demo.accounts import People, Role


def make_samples(people: People, at: datetime) -> None:
    """One plan that draws each day, and one of the week that has not drawn yet."""
    qa, form = people.by_role[str(Role.QA)], QualityForm.objects.get(code="coaching")
    daily = sampling.make_plan(
        by=qa,
        at=at,
        name="每日抽检",
        form=form,
        city=None,
        period="day",
        picks=1,
        strata=["result", "length"],
        least_seconds=5,
    )
    full_run = QualityForm.objects.get(code="full-run")
    sampling.make_plan(
        by=qa, at=at, name="每周抽检", form=full_run, city=None, period="week", picks=3, strata=["campaign", "hour"]
    )
    sampling.draw_period(plan=daily, start=business_date(at) - timedelta(days=1), at=at)
