"""What the workers do for this app. Each handler is one service call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.jobs import Run, handler


@handler("customers.check_list", label=_("Check a lead list"), max_attempts=3, lease=timedelta(seconds=60))
def check_list(run: Run) -> dict[str, Any]:
    from customers.services import list_check

    return list_check.check_list(run)


@handler("customers.commit_list", label=_("Commit a lead list"), max_attempts=3, lease=timedelta(seconds=60))
def commit_list(run: Run) -> dict[str, Any]:
    from customers.services import list_commit

    return list_commit.commit_list(run)
