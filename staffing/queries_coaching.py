"""Reads of coaching for screens."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from people.models import Membership, Team, User
from people.scopes import scope_in
from qa.models import Clip, Evaluation
from staffing.models import CoachingSession, CoachingStep
from staffing.rules import LEADERS, TRAINERS, can_coach


def sessions_shown(user: User) -> QuerySet[CoachingSession]:
    """The newest plan first."""
    rows = CoachingSession.objects.visible_to(user).select_related("agent", "coach", "team", "aim")
    return rows.order_by("-planned_at", "-pk")


def agents_coached_by(user: User) -> QuerySet[Membership]:
    """Who is an agent today in a team that the user may coach (rules.can_coach_team), by name, with the team."""
    led, trained = scope_in(user, LEADERS), scope_in(user, TRAINERS)
    place = Q(team__in=led.led_team_ids | trained.led_team_ids) | Q(team__city__in=trained.city_ids)
    if trained.is_region:
        place |= Q(team__isnull=False)
    rows = Membership.objects.valid_on(timezone.localdate()).filter(place, role=Membership.Role.AGENT)
    rows = rows.filter(team__city__isnull=False, user__is_active=True).exclude(user=user)
    rows = rows.select_related("user", "team").order_by("user__display_name", "user__username")
    return rows if can_coach(user) else rows.none()


def teams_coached_by(user: User) -> list[Team]:
    """Teams with such agents, by name."""
    rows = Team.objects.filter(pk__in=agents_coached_by(user).order_by().values("team")).select_related("city")
    return sorted(rows, key=str)


def prepared_for(user: User, session: CoachingSession) -> tuple[list[Evaluation], list[Clip]]:
    """What was prepared, as far as the reader may open it."""
    sheets = Evaluation.objects.visible_to(user).filter(pk__in=session.evaluations.values("pk"))
    clips = Clip.objects.visible_to(user).kept().filter(pk__in=session.clips.values("pk"))
    return list(sheets.select_related("version__form").order_by("-call_started_at")), list(clips.order_by("pk"))


def steps_before(user: User, session: CoachingSession) -> QuerySet[CoachingStep]:
    """What was agreed and signed in the session before this one."""
    before = CoachingSession.objects.visible_to(user).filter(
        agent=session.agent_id, planned_at__lt=session.planned_at, coach_signed_at__isnull=False, agent_signed_at__isnull=False
    )  # fmt: skip
    last = before.order_by("-planned_at", "-pk").values("pk")[:1]
    return CoachingStep.objects.filter(session__in=last).select_related("session").order_by("pk")


def next_coaching(agent: User, at: datetime) -> datetime | None:
    """When the agent is coached next: the next session planned, else the day agreed at the last signed one."""
    today = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    own = CoachingSession.objects.filter(agent=agent)
    planned = own.to_come().filter(planned_at__gte=today).order_by("planned_at").values_list("planned_at", flat=True)
    return planned.first() or agreed_day(own, today)


def agreed_day(own: QuerySet[CoachingSession], today: datetime) -> datetime | None:
    signed = own.filter(coach_signed_at__isnull=False, agent_signed_at__isnull=False)
    day = signed.order_by("-planned_at", "-pk").values_list("next_on", flat=True).first()
    return today + timedelta(days=(day - today.date()).days) if day and day >= today.date() else None
