"""Accounts: made, changed, closed; their passwords and tokens."""

from __future__ import annotations

from datetime import date, datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework.authtoken.models import Token

from core.audit import audit
from core.calendar import business_date
from core.errors import DomainError
from people.models import City, Membership, Team, User
from people.services.belonging import give_role


class NameTaken(DomainError):
    """Another account has this user name."""


class AgentCodeTaken(DomainError):
    """Another agent has this code."""


class PasswordTooWeak(DomainError):
    """The password would be guessed; the sentences say why."""


class NotOneself(DomainError):
    """Nobody closes the own account."""


@transaction.atomic
def create_person(
    *,
    username: str,
    display_name: str,
    by: User | None,
    at: datetime,
    password: str | None = None,
    code: str = "",
    language: str = User.Language.ENGLISH,
    role: str = "",
    team: Team | None = None,
    city: City | None = None,
    valid_from: date | None = None,
) -> User:
    """An account, with its first role when one is named. Without password it cannot sign in (history of another dialer).

    Raises NameTaken, AgentCodeTaken, PasswordTooWeak and what give_role raises.
    """
    username, code = username.strip(), code.strip()
    if User.objects.filter(username__iexact=username).exists():
        raise NameTaken(_("There is an account %(name)s already.") % {"name": username})
    _check_code(code, None)
    user = User(username=username, display_name=display_name.strip(), code=code or None, language=language)
    _set_password(user, password)
    user.save()
    audit("people.user.created", user, by=by, at=at, can_sign_in=password is not None, role=role)
    if role:
        give_role(user=user, role=role, team=team, city=city, valid_from=valid_from or business_date(at), by=by, at=at)
    return user


@transaction.atomic
def update_person(*, user: User, display_name: str, code: str, language: str, by: User, at: datetime) -> User:
    """Name, agent code and language. Raises AgentCodeTaken."""
    user = User.objects.select_for_update().get(pk=user.pk)
    _check_code(code.strip(), user.pk)
    user.display_name, user.code, user.language = display_name.strip(), code.strip() or None, language
    user.save(update_fields=["display_name", "code", "language"])
    audit("people.user.changed", user, by=by, at=at)
    return user


@transaction.atomic
def close_account(*, user: User, by: User, at: datetime) -> User:
    """From now on the person cannot sign in and tokens are void; what they did stays. Raises NotOneself."""
    if user.pk == by.pk:
        raise NotOneself(_("You cannot close your own account; ask another administrator."))
    user = User.objects.select_for_update().get(pk=user.pk)
    user.is_active = False
    user.save(update_fields=["is_active"])
    Token.objects.filter(user=user).delete()
    audit("people.user.closed", user, by=by, at=at)
    return user


@transaction.atomic
def open_account(*, user: User, by: User, at: datetime) -> User:
    """A closed account may sign in again."""
    user = User.objects.select_for_update().get(pk=user.pk)
    user.is_active = True
    user.save(update_fields=["is_active"])
    audit("people.user.opened", user, by=by, at=at)
    return user


@transaction.atomic
def reset_password(*, user: User, password: str, by: User, at: datetime) -> User:
    """A new password; whoever is signed in with the old one or holds the API token is out, and a lock of the sign-in ends.

    Raises PasswordTooWeak.
    """
    from axes.utils import reset

    user = User.objects.select_for_update().get(pk=user.pk)
    _set_password(user, password)
    user.save(update_fields=["password"])
    revoke_token(user=user, by=by, at=at)
    reset(username=user.username)
    audit("people.user.password_reset", user, by=by, at=at, own=user.pk == by.pk)
    return user


@transaction.atomic
def make_token(*, user: User, by: User, at: datetime) -> str:
    """A fresh token for the API; the one before is void. The text is shown once and not kept readable in the trail."""
    Token.objects.filter(user=user).delete()
    token = Token.objects.create(user=user)
    audit("people.token.made", user, by=by, at=at)
    return str(token.key)


@transaction.atomic
def revoke_token(*, user: User, by: User | None, at: datetime) -> bool:
    """True when there was a token to void."""
    removed = bool(Token.objects.filter(user=user).delete()[0])
    if removed:
        audit("people.token.revoked", user, by=by, at=at)
    return removed


@transaction.atomic
def create_admin(*, username: str, password: str, at: datetime) -> User:
    """An administrator with rights everywhere; an account of that name is made one, with this password. Raises PasswordTooWeak.

    The rights come from the role alone, so that another administrator can take them away again.
    """
    user = User.objects.select_for_update().filter(username=username).first()
    if user is None:
        user = create_person(username=username, display_name="", password=password, by=None, at=at)
    else:
        _take_over(user, password, at)
    today = business_date(at)
    if not user.memberships.valid_on(today).filter(role=Membership.Role.ADMINISTRATOR).exists():
        give_role(user=user, role=Membership.Role.ADMINISTRATOR, valid_from=today, by=None, at=at)
    return user


@transaction.atomic
def set_preferences(*, user: User, language: str | None = None, theme: str | None = None) -> User:
    """The person's own choice of language and look."""
    chosen = {"language": language, "theme": theme}
    fields = [name for name, value in chosen.items() if value is not None]
    for name in fields:
        setattr(user, name, chosen[name])
    user.save(update_fields=fields)
    return user


def _take_over(user: User, password: str, at: datetime) -> None:
    """Whoever has the command line has this account now: its old password and token are void, and the trail says so."""
    was_closed = not user.is_active
    _set_password(user, password)
    user.is_active = True
    user.save(update_fields=["password", "is_active"])
    revoke_token(user=user, by=None, at=at)
    audit("people.user.password_reset", user, by=None, at=at, own=False, administrator=True, was_closed=was_closed)


def _set_password(user: User, password: str | None) -> None:
    if password is None:
        user.set_unusable_password()
        return
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise PasswordTooWeak(" ".join(weak.messages)) from None
    user.set_password(password)


def _check_code(code: str, own: int | None) -> None:
    if code and User.objects.exclude(pk=own).filter(code=code).exists():
        raise AgentCodeTaken(_("Another agent has the code %(code)s.") % {"code": code})
