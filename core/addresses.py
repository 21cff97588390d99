"""Who sends a request."""

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str | None:
    """The address of the sender. Behind a proxy it is what the proxy itself says: the last word of the header, since those before it are
    the sender's own."""
    told = request.headers.get("x-forwarded-for", "") if settings.BEHIND_TLS else ""
    return told.rsplit(",", 1)[-1].strip() or request.META.get("REMOTE_ADDR")
