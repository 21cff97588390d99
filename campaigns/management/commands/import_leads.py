"""The pipeline of the upload page as a command: check a lead list, print what became of its rows, with --create commit and assign it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from campaigns.services.allocation import allocate_list
from campaigns.services.planning import keep_history
from core.clock import database_now
from core.errors import DomainError
from core.jobs import wait_or_run
from core.models import Job
from customers.models import LeadList, RowVerdict, Source
from customers.services import list_receiving, lists
from customers.services.sources import create_source
from customers.wording import file_fault_sentence
from people.models import User


class Command(BaseCommand):
    help = "Check a lead list (.xlsx or .csv) and print its rows per verdict; with --create also commit it and assign it to the campaign."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file")
        parser.add_argument("--campaign", required=True, metavar="CODE")
        parser.add_argument("--source", required=True, metavar="NAME")
        parser.add_argument("--user", required=True, metavar="LOGIN")
        parser.add_argument(
            "--create",
            action="store_true",
            help="make what is missing (campaign, product, source, cities), then commit",
        )
        parser.add_argument("--consent", default="", metavar="BASIS", help='default: "stated by LOGIN"')
        parser.add_argument("--json", action="store_true", dest="as_json", help="print the counts as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = self._import(options)
        except DomainError as refusal:
            raise CommandError(str(refusal)) from None
        if options["as_json"]:
            self.stdout.write(json.dumps(result))
        else:
            self._print(result)

    def _import(self, options: dict[str, Any]) -> dict[str, Any]:
        user = _user(options["user"])
        at = database_now()
        campaign = _campaign(options["campaign"], options["create"], user)
        with _opened(Path(options["file"])) as file:
            list_receiving.examine_file(file)  # before anything is made for a file that is refused
            lead_list = self._receive(file, _source(options["source"], options["create"], user, at), user, at, options)
        _finish(lead_list.job_id)
        lead_list.refresh_from_db()
        if lead_list.status == LeadList.Status.FAILED:
            raise CommandError(file_fault_sentence(lead_list.fault, lead_list.fault_detail))
        result: dict[str, Any] = {"list": lead_list.pk}
        if options["create"]:
            _commit(lead_list, user)
            campaign = campaign or keep_history(code=options["campaign"], by=user, at=at)
            result["leads"] = _allocate(campaign, lead_list, user)
            lead_list.refresh_from_db()
        return {**lists.totals(lead_list.counts), "rows": lead_list.row_count, "committed": options["create"], **result}

    def _receive(self, file: IO[bytes], source: Source, user: User, at: datetime, options: dict[str, Any]) -> LeadList:
        path = Path(options["file"])
        return list_receiving.receive_list(
            file=file,
            file_name=path.name,
            name=path.stem,
            source=source,
            city=None,
            consent_basis=options["consent"] or _("stated by %(login)s") % {"login": user.username},
            by=user,
            at=at,
            make_cities=options["create"],
            stated_by=user.username,
        )

    def _print(self, result: dict[str, Any]) -> None:
        for verdict in RowVerdict.Verdict:
            self.stdout.write(f"{verdict.label!s:<20}{result[verdict.value]:>10,}")
        if result["committed"]:
            self.stdout.write(_("Committed; %(leads)s leads made.") % {"leads": f"{result['leads']:,}"})
        else:
            self.stdout.write(
                _("Nothing is committed yet: commit list %(number)s on its page, or call again with --create.")
                % {"number": result["list"]}
            )


def _user(login: str) -> User:
    user = User.objects.filter(username=login, is_active=True).first()
    if user is None:
        raise CommandError(_("There is no active user %(login)s.") % {"login": login})
    return user


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise CommandError(_("%(file)s cannot be read: %(why)s.") % {"file": path, "why": error.strerror}) from None


def _campaign(code: str, may_create: bool, user: User) -> Campaign | None:
    """None: it is to be made, when the file has been read."""
    campaign = Campaign.objects.visible_to(user).filter(code=code).first()
    if campaign is None and not may_create:
        raise CommandError(_("There is no campaign %(code)s. Use --create to make it as a history.") % {"code": code})
    return campaign


def _source(name: str, may_create: bool, user: User, at: datetime) -> Source:
    source = Source.objects.filter(name=name).first()
    if source is None and not may_create:
        raise CommandError(_("There is no source %(name)s. Use --create to make it.") % {"name": name})
    return source or create_source(name=name, kind=Source.Kind.OWN, supplier="", price_cents=0, by=user, at=at)


def _finish(job_id: int | None) -> Job:
    assert job_id is not None
    job = wait_or_run(job_id)
    if job.state != Job.State.DONE:
        raise CommandError(job.last_error or _("The job was stopped."))
    return job


def _commit(lead_list: LeadList, user: User) -> None:
    _finish(lists.commit_list(lead_list=lead_list, by=user, at=database_now()).pk)
    lead_list.refresh_from_db()


def _allocate(campaign: Campaign, lead_list: LeadList, user: User) -> int:
    allocation = allocate_list(campaign=campaign, lead_list=lead_list, by=user, at=database_now())
    _finish(allocation.job_id)
    allocation.refresh_from_db()
    return allocation.lead_count
