"""Bring in the recordings of a dialer's folder: each file bears the number of its call; print what became of each."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DataError
from django.utils.translation import gettext as _

from campaigns.models import Call
from campaigns.services.history import SYSTEM
from core.clock import database_now
from core.errors import DomainError, PermissionRefused, cannot_be_stored
from people.models import User
from qa import rules
from qa.models import Recording
from qa.services.recordings import find_call, store_recording
from qa.services.transcripts import read_transcript

ENDINGS = {".wav", ".mp3", ".opus", ".ogg"}


class Command(BaseCommand):
    help = (
        "Import the recordings of a folder, named by the number of their call in the dialer (CALL_ID.wav, .mp3, .opus or .ogg), with the text of "
        "the call beside them if there is one (CALL_ID.json). The same folder again changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder")
        parser.add_argument("--user", required=True, metavar="LOGIN")
        parser.add_argument("--system", default=SYSTEM, metavar="NAME", help="the dialer whose call numbers they are")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print the counts as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(_("There is no active user %(login)s.") % {"login": options["user"]})
        if not rules.can_upload(user):
            raise CommandError(_("Your role does not allow this."))
        counts: dict[str, Any] = {"new": 0, "unchanged": 0, "refused": 0}
        refusals: dict[str, str] = {}
        for path in self._files(Path(options["folder"])):
            try:
                is_new = _store(path, user, options["system"])
            except (DomainError, OSError) as refusal:
                counts["refused"] += 1
                refusals[shown(path)] = str(refusal)
            except (ValueError, DataError) as fault:
                if not cannot_be_stored(fault):
                    raise
                counts["refused"] += 1
                refusals[shown(path)] = _("Its name or its text of the call holds characters that cannot be kept.")
            else:
                counts["new" if is_new else "unchanged"] += 1
        if options["as_json"]:
            self.stdout.write(json.dumps({**counts, "refusals": refusals}, ensure_ascii=False))
            return
        for name, sentence in refusals.items():
            self.stdout.write(f"{name}: {sentence}")
        self.stdout.write(
            _("%(new)s new, %(unchanged)s unchanged, %(refused)s refused.")
            % {name: f"{count:,}" for name, count in counts.items()}
        )

    def _files(self, folder: Path) -> list[Path]:
        if not folder.is_dir():
            raise CommandError(_("%(folder)s is no folder.") % {"folder": folder})
        return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in ENDINGS)


def shown(path: Path) -> str:
    """Its name; bytes of another encoding as escapes."""
    return path.name.encode(errors="backslashreplace").decode()


def _store(path: Path, user: User, system: str) -> bool:
    call = find_call(system=system, number=path.stem, among=Call.objects.visible_to(user))
    if not rules.can_upload(user, call):
        raise PermissionRefused(_("Your role does not allow this."))
    with path.open("rb") as stream:
        stored = store_recording(
            call=call,
            stream=stream,
            by=user,
            at=database_now(),
            origin=Recording.Origin.FOLDER,
            transcript=_beside(path),
        )
    return stored.is_new


def _beside(path: Path) -> Any:
    words = path.with_suffix(".json")
    if not words.is_file():
        return None
    return read_transcript(words.read_bytes())
