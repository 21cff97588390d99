"""The text messages of surveys: what sends them is told by settings.SURVEY_SENDER. By default nothing leaves the house."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from customers.models import Phone

KEPT = 100


class NotSent(Exception):
    """The message was surely not taken: it may be tried again later, and has cost the person nothing."""


class Sender(Protocol):
    def send(self, *, phone: Phone, text: str) -> None:
        """Hand the message over, within a minute. The number rests sealed in `phone`. Raises NotSent, only when the message surely went
        nowhere: every other exception is taken for an answer that was lost, and the message is not sent again."""


class Simulator:
    """Sends nothing; this process remembers its last messages by the number of the row, so that tests can open their links."""

    sent: deque[tuple[int, str]] = deque(maxlen=KEPT)

    def send(self, *, phone: Phone, text: str) -> None:
        self.sent.append((phone.pk, text))


def sender() -> Sender:
    made: Sender = import_string(settings.SURVEY_SENDER)()
    return made
