"""manage.py rollup: build the figures that are dirty, or those asked for."""

from __future__ import annotations

import json
import time
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from core.clock import database_now
from core.jobs import enqueue, wait_or_run


class Command(BaseCommand):
    help = "Builds the figures of every day with something new, or of the days asked for; prints partitions, rows and seconds."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--since", type=date.fromisoformat, help="first day to build again, as 2026-11-01")
        parser.add_argument("--until", type=date.fromisoformat, help="last day to build again")
        parser.add_argument("--all", action="store_true", help="build every day again")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = self._args(options)
        began = time.monotonic()
        at = database_now()
        job = enqueue(kind="metrics.rollup", key=at.isoformat(), args=wanted)
        job = wait_or_run(job.pk)
        if job.state != job.State.DONE:
            raise CommandError(job.last_error or _("The rollup was stopped."))
        result = job.result | {"seconds": round(time.monotonic() - began, 2)}
        if options["json"]:
            self.stdout.write(json.dumps(result))
        else:
            self.stdout.write(
                _("%(partitions)s partitions, %(rows)s rows, %(sums)s sums over days, %(seconds)s seconds.") % result
            )

    def _args(self, options: dict[str, Any]) -> dict[str, Any]:
        since, until = options["since"], options["until"]
        if options["all"]:
            return {"all": True}
        if since is None and until is None:
            return {}
        since, until = since or date(1970, 1, 1), until or date(9998, 12, 31)
        if until < since:
            raise CommandError(_("The last day lies before the first."))
        return {"since": since.isoformat(), "until": until.isoformat()}
