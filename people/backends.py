"""Who is signed in."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager
from datetime import date, datetime

from django.contrib.auth.backends import ModelBackend
from django.utils import timezone

from core import kept
from people.models import Membership, User


def looking(user: User) -> AbstractContextManager[datetime]:
    """A look (core.kept) with what was seen when the request of this person came in; meant for requests that change nothing of the rooms, and for
    which what was set up when they came in is new enough. Once: the next look of the same request sees anew."""
    seen, user.seen = getattr(user, "seen", None), None
    return kept.look(seen)


class PersonBackend(ModelBackend):
    """Names and passwords as Django has them. Every request asks for the person and for what the person may do today: both are kept, and who
    was locked out or moved a moment ago is so at once."""

    def get_user(self, user_id: int) -> User | None:
        today = timezone.localdate()
        seen = kept.see()
        with kept.look(seen):
            found = _person(int(user_id), today)
        if found is None:
            return None
        # of its own: what a request asks or sets is kept on the instance
        user = copy.copy(found[0])
        user.keep_memberships(today, list(found[1]))
        user.seen = seen
        return user if self.user_can_authenticate(user) else None


@kept.by("people", most=5_000)
def _person(user_id: int, day: date) -> tuple[User, list[Membership]] | None:
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        return None
    return user, list(Membership.objects.filter(user=user_id).valid_on(day).select_related("team__city"))
