from django.core.management.base import BaseCommand, CommandError

from core.audit import audit
from core.clock import database_now
from core.jobs import enqueue, wait_or_run
from core.models import Job
from core.sealed import add_key


class Command(BaseCommand):
    help = "Add a new key, seal with it from now on, and seal again everything that rests under older keys."

    def handle(self, *args, **options):
        number = add_key()
        audit("core.key.added", by=None, at=database_now(), number=number)
        job = wait_or_run(enqueue(kind="core.rotate_keys", key=f"to key {number}").pk)
        if job.state != Job.State.DONE:
            raise CommandError(f"Not finished: {job.last_error} Older keys stay in the key file; run the job again.")
        self.stdout.write(f"Key {number} is in force; {job.result['resealed']} values sealed again.")
