import time

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from core.clock import database_now
from core.errors import DomainError
from telemkt.demo.make import make_demo, write_accounts


class Command(BaseCommand):
    help = "Fill an empty system with a demo province: six cities, sixty agents, three campaigns, sixty days of calls."

    def handle(self, *args, **options):
        began = time.monotonic()
        try:
            people = make_demo(at=database_now())
        except DomainError as error:
            raise CommandError(str(error)) from error
        write_accounts(people)
        self.stdout.write(_("The demo is ready after %(seconds).0f seconds.") % {"seconds": time.monotonic() - began})
        for account in people.accounts:
            self.stdout.write(f"  {account['role']:<18} {account['login']:<18} {account['password']}")
