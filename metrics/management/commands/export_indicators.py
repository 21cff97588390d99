"""manage.py export_indicators: the figures of the indicators page as a file."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from django.utils.translation import gettext as _

from core.errors import DomainError
from metrics import export
from metrics.questions import GRAINS, ask
from people.models import User


class Command(BaseCommand):
    help = "Writes the indicators of a range of days, both ends included, as .xlsx, .csv or .json."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--from", dest="since", type=date.fromisoformat, required=True, help="first day, as 2026-11-01"
        )
        parser.add_argument("--to", dest="until", type=date.fromisoformat, required=True, help="last day, included")
        parser.add_argument("--grain", choices=GRAINS, default="total")
        parser.add_argument("--by", default="", help="any of city,team,agent,campaign")
        parser.add_argument("--out", type=Path, required=True, help="FILE.xlsx, FILE.csv or FILE.json")
        parser.add_argument(
            "--columns", default="", help="the columns of one set of the page, such as sales or quality; all without"
        )
        parser.add_argument("--user", help="only what this login may see; everything without")
        parser.add_argument(
            "--language", choices=["en", "zh-hans"], help="language of names and definitions in the workbook"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        user = self._user(options["user"])
        by = [name.strip() for name in options["by"].split(",") if name.strip()]
        with translation.override(
            options["language"] or (user.language if user else translation.get_language() or "en")
        ):
            try:
                question = ask(since=options["since"], until=options["until"], grain=options["grain"], by=by, user=user)
                shown = export.columns_named(options["columns"]) if options["columns"] else None
                count = export.write_file(export.Table(question, options["grain"], shown=shown), options["out"])
            except DomainError as refusal:
                raise CommandError(str(refusal)) from refusal
            self._report(count, options)

    def _user(self, login: str | None) -> User | None:
        if not login:
            return None
        user = User.objects.filter(username=login).first()
        if user is None:
            raise CommandError(_("There is no user %(login)s.") % {"login": login})
        return user

    def _report(self, count: int, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps({"rows": count, "file": str(options["out"])}))
        elif count:
            self.stdout.write(_("%(count)s rows in %(file)s.") % {"count": count, "file": options["out"]})
        else:
            self.stdout.write(
                _("Nothing was counted from %(first)s to %(last)s: %(file)s holds the heads alone.")
                % {"first": options["since"], "last": options["until"], "file": options["out"]}
            )
