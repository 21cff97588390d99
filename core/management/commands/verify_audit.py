import json

from django.core.management.base import BaseCommand, CommandError

from core.audit import verify_chain


class Command(BaseCommand):
    help = "Read the audit trail again and compare it with its seals. Exit status 1 when a row was altered or removed."

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="print the finding as one JSON object")

    def handle(self, *args, **options):
        found = verify_chain()
        if options["json"]:
            self.stdout.write(json.dumps({**found.__dict__, "is_sound": found.is_sound}))
        else:
            self.stdout.write(
                f"{found.seals} seals over {found.events} events are sound; {found.unsealed} not sealed yet; head {found.head}"
            )
        if not found.is_sound:
            gone = f"; gone: {', '.join(map(str, found.missing[:20]))}" if found.missing else ""
            raise CommandError(f"Seal {found.broken} does not fit: it, or a row of it, was altered or removed{gone}.")
