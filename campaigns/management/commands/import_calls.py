"""Bring in the call history of another dialer: check the file, import its good rows, print what became of each."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from campaigns.models import CallImport, CallVerdict
from campaigns.services import history
from campaigns.wording import file_fault_sentence, row_fault_words
from core.clock import database_now
from core.errors import DomainError
from core.jobs import wait_or_run
from core.models import Job
from people.models import User


class Command(BaseCommand):
    help = (
        "Import calls, orders and cancellations of another dialer (.xlsx or .csv). The same file again changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file")
        parser.add_argument("--user", required=True, metavar="LOGIN")
        parser.add_argument(
            "--create", action="store_true", help="make missing campaigns, products, teams, agents and customers"
        )
        parser.add_argument(
            "--system",
            default=history.SYSTEM,
            metavar="NAME",
            help="the dialer; call and order numbers are unique within it",
        )
        parser.add_argument("--json", action="store_true", dest="as_json", help="print the counts as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(_("There is no active user %(login)s.") % {"login": options["user"]})
        try:
            call_import = self._import(Path(options["file"]), user, options)
        except DomainError as refusal:
            raise CommandError(str(refusal)) from None
        result = {
            "import": call_import.pk,
            "rows": call_import.row_count,
            **call_import.counts,
            "made": call_import.made,
        }
        if options["as_json"]:
            self.stdout.write(json.dumps(result))
        else:
            self._print(result)

    def _import(self, path: Path, user: User, options: dict[str, Any]) -> CallImport:
        try:
            with path.open("rb") as file:
                call_import = history.receive_calls(
                    file=file,
                    file_name=path.name,
                    makes_missing=options["create"],
                    imports_at_once=True,
                    by=user,
                    at=database_now(),
                    system=options["system"],
                )
        except OSError as error:
            raise CommandError(_("%(file)s cannot be read: %(why)s.") % {"file": path, "why": error.strerror}) from None
        job = wait_or_run(call_import.job_id)
        if job.state != Job.State.DONE:
            raise CommandError(job.last_error or _("The job was stopped."))
        call_import.refresh_from_db()
        if call_import.status == CallImport.Status.FAILED:
            raise CommandError(file_fault_sentence(call_import.fault, call_import.fault_detail))
        return call_import

    def _print(self, result: dict[str, Any]) -> None:
        for verdict in CallVerdict.Verdict:
            self.stdout.write(f"{verdict.label!s:<30}{result[verdict.value]:>10,}")
        for code, number in result["faults"].items():
            self.stdout.write(f"  {row_fault_words(code)}: {number:,}")
        made = ", ".join(f"{number:,} {name}" for name, number in result["made"].items() if number)
        if made:
            self.stdout.write(_("Made: %(what)s.") % {"what": made})
