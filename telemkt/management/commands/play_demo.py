import signal
import time
from random import Random
from types import FrameType

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from core.clock import database_now
from telemkt.demo import live

TICK = 2.0


class Command(BaseCommand):
    help = "Let the demo's agents work, until interrupted. One at a time: a second one waits."

    def handle(self, *args, **options):
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        rng = Random()
        players: list[live.Player] = []
        while not self.stopping:
            try:
                if self._alone():
                    players = players or live.cast(database_now(), rng)
                    live.play(players, at=database_now(), rng=rng)
            except (OperationalError, InterfaceError):
                close_old_connections()  # the database is away for a moment
            time.sleep(TICK)
        live.leave(players, at=database_now())

    def _alone(self) -> bool:
        """The lock belongs to this connection: it goes when the process does."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(hashtext('telemkt.play_demo'))")
            return bool(cursor.fetchone()[0])

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True
