"""Who may, asked without knowing people: core reads a user only by `pk`, `has_role` and its names."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from core.errors import PermissionRefused

ADMINISTRATOR = "administrator"


def has_role(user: Any, *roles: str) -> bool:
    """True when the user holds one of the roles today. A superuser is an administrator; a stranger holds none."""
    if user is None or not getattr(user, "is_authenticated", False):
        return False
    if ADMINISTRATOR in roles and getattr(user, "is_superuser", False):
        return True
    asks = getattr(user, "has_role", None)
    return bool(asks and asks(*roles))


def sees_everything(user: Any) -> bool:
    return has_role(user, ADMINISTRATOR)


def require(request: Any, *roles: str) -> None:
    """Raise PermissionRefused unless the user of the request holds one of the roles. The refusal is audited."""
    if has_role(request.user, *roles):
        return
    from core.audit import audit_refusal

    audit_refusal(request, roles=roles)
    raise PermissionRefused(_("Your role does not allow this."))


def name_of(user: Any) -> str:
    """The name to keep beside an actor's id, so that old rows can be read after the person is gone."""
    if user is None:
        return ""
    return str(getattr(user, "display_name", "") or getattr(user, "username", "") or user)[:150]


def id_of(user: Any) -> int | None:
    return getattr(user, "pk", None) if user is not None else None
