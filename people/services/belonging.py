"""Roles and teams, each from a day until another: yesterday's calls stay where they were made."""

from __future__ import annotations

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError
from people.models import City, Membership, Team, User

Role = Membership.Role

IN_TEAM = {Role.AGENT, Role.TEAM_LEADER}
IN_CITY = {Role.CITY_MANAGER}
IN_REGION = {Role.REGIONAL_MANAGER, Role.ADMINISTRATOR}


class PlaceDoesNotFit(DomainError):
    """This role needs a team, a city, or neither."""


class InAnotherTeam(DomainError):
    """An agent is in one team at a time."""


class HasThisRole(DomainError):
    """The person holds the role there already."""


class EndsBeforeItBegins(DomainError):
    """The end lies before the beginning."""


class LastAdministrator(DomainError):
    """Somebody must be able to give roles."""


@transaction.atomic
def give_role(
    *,
    user: User,
    role: str,
    valid_from: date,
    by: User | None,
    at: datetime,
    team: Team | None = None,
    city: City | None = None,
    valid_to: date | None = None,
) -> Membership:
    """A role in a team, a city or the region, from a day on. Raises PlaceDoesNotFit, InAnotherTeam, HasThisRole, EndsBeforeItBegins."""
    _check_place(role, team, city)
    if valid_to and valid_to <= valid_from:
        raise EndsBeforeItBegins(_("The role must end after the day on which it begins."))
    User.objects.select_for_update().get(pk=user.pk)
    _check_free(user, role, team, city, valid_from, valid_to)
    row = _save(
        Membership(user=user, role=role, team=team, city=city, valid_from=valid_from, valid_to=valid_to),
    )
    audit("people.role.given", row, by=by, at=at, user_id=user.pk, role=role, valid_from=valid_from.isoformat())
    return row


@transaction.atomic
def end_role(*, membership: Membership, valid_to: date, by: User, at: datetime) -> Membership:
    """The role holds until (not including) a day. One that has not begun by then is taken back whole.

    Raises EndsBeforeItBegins (it ended earlier), LastAdministrator.
    """
    row = Membership.objects.select_for_update(of=("self",)).get(pk=membership.pk)
    if row.valid_to and row.valid_to <= valid_to:
        raise EndsBeforeItBegins(_("This role ends on %(day)s already.") % {"day": row.valid_to.isoformat()})
    if row.role == Role.ADMINISTRATOR:
        _check_not_last(row, valid_to)
        _drop_superpowers(row.user_id)
    audit(
        "people.role.ended", row, by=by, at=at, user_id=row.user_id, role=row.role, valid_to=valid_to.isoformat(),
        team_id=row.team_id,
    )  # fmt: skip
    if valid_to <= row.valid_from:
        row.delete()
        return row
    row.valid_to = valid_to
    row.save(update_fields=["valid_to"])
    return row


def _drop_superpowers(user_id: int) -> None:
    """The flags outlast every role; once the role is to end, it alone says who administers until then."""
    User.objects.filter(pk=user_id).update(is_superuser=False, is_staff=False)


@transaction.atomic
def change_team(*, user: User, team: Team, valid_from: date, by: User, at: datetime) -> Membership:
    """An agent works in another team from a day on; the time before stays with the old one.

    Raises HasThisRole (in that team already), InAnotherTeam (a later team is planned already).
    """
    User.objects.select_for_update().get(pk=user.pk)
    now = user.memberships.filter(
        Q(valid_to=None) | Q(valid_to__gt=valid_from), role=Role.AGENT, valid_from__lte=valid_from
    )
    before = now.first()
    if before is not None:
        if before.team_id == team.pk:
            raise HasThisRole(_("%(name)s is in this team then already.") % {"name": user})
        end_role(membership=before, valid_to=valid_from, by=by, at=at)
    return give_role(user=user, role=Role.AGENT, team=team, valid_from=valid_from, by=by, at=at)


def _check_place(role: str, team: Team | None, city: City | None) -> None:
    if role in IN_TEAM and (team is None or city is not None):
        raise PlaceDoesNotFit(_("An agent or team leader belongs to a team: choose one, and no city."))
    if role in IN_CITY and (city is None or team is not None):
        raise PlaceDoesNotFit(_("A city manager belongs to a city: choose one, and no team."))
    if role in IN_REGION and (team is not None or city is not None):
        raise PlaceDoesNotFit(_("This role covers the whole region: choose neither team nor city."))
    if team is not None and city is not None:
        raise PlaceDoesNotFit(_("Choose a team or a city, not both."))


def _check_free(
    user: User, role: str, team: Team | None, city: City | None, valid_from: date, valid_to: date | None
) -> None:
    overlapping = user.memberships.filter(Q(valid_to=None) | Q(valid_to__gt=valid_from), role=role)
    if valid_to:
        overlapping = overlapping.filter(valid_from__lt=valid_to)
    if overlapping.filter(team=team, city=city).exists():
        raise HasThisRole(_("%(name)s holds this role there already in that time.") % {"name": user})
    other = overlapping.select_related("team").first() if role == Role.AGENT else None
    if other is not None:
        raise InAnotherTeam(
            _("%(name)s is an agent of %(team)s in that time; an agent is in one team at a time.")
            % {"name": user, "team": other.team}
        )


def _save(row: Membership) -> Membership:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        # two administrators at the same moment: the constraint decides
        raise InAnotherTeam(_("An agent is in one team at a time.")) from None
    return row


def _check_not_last(row: Membership, day: date) -> None:
    others = Membership.objects.exclude(pk=row.pk).filter(role=Role.ADMINISTRATOR, user__is_active=True).valid_on(day)
    if not others.exclude(user=row.user_id).exists():
        raise LastAdministrator(_("This is the last administrator; give the role to somebody else first."))
