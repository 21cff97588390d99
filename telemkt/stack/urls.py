"""The two URLs: those given by the environment, or those of the embedded servers."""

import os
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from telemkt.stack import home

DATABASE = ROLE = "telemkt"
PGPASS = "pgpass"
ENGINE = "django.db.backends.postgresql"


class BadUrl(Exception):
    """A URL of the environment that cannot be used; the text says which and why, without its password."""


def database(name: str = "DATABASE_URL") -> dict[str, Any]:
    """Django's settings of the database that the variable names; without it, of the embedded one."""
    url = os.environ.get(name, "").strip()
    return parse_database(name, url) if url else embedded_database()


def parse_database(name: str, url: str) -> dict[str, Any]:
    parts = _split(name, url, ("postgres", "postgresql"), "postgres://user:password@host:5432/name")
    database = unquote(parts.path.lstrip("/"))
    if not database:
        raise BadUrl(f"{name} names no database: write postgres://user:password@host:5432/name.")
    return {
        "ENGINE": ENGINE,
        "NAME": database,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(_host(parts)),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def embedded_database() -> dict[str, Any]:
    return {
        "ENGINE": ENGINE,
        "NAME": DATABASE,
        "USER": ROLE,
        "PASSWORD": "",
        "HOST": str(home.socket_directory("postgres")),
        "PORT": "",
        "OPTIONS": {"passfile": str(home.keys_directory() / PGPASS)},
    }


def broker(number: int = 0) -> str:
    """Celery's broker URL. `number` chooses a database of the embedded server; a given URL is used as it is."""
    url = os.environ.get("REDIS_URL", "").strip()
    if not url:
        return f"redis+socket://{valkey_socket()}?virtual_host={number}"
    _split("REDIS_URL", url, ("redis", "rediss"), "redis://:password@host:6379/0")
    return url


def shared_cache() -> str:
    """The same server as the broker's, as the cache writes it; of the embedded one a database of its own."""
    url = os.environ.get("REDIS_URL", "").strip()
    return broker() if url else f"unix://{valkey_socket()}?db=2"


def valkey_socket() -> str:
    return str(home.socket_directory("valkey") / "valkey.sock")


def without_password(url: str) -> str:
    """For messages: user, host, port and name only."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _host(parts: SplitResult) -> str:
    # `hostname` lower-cases, which breaks a socket directory.
    address = parts.netloc.rpartition("@")[2]
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0]


def _split(name: str, url: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise BadUrl(f"{name} is not a URL that can be read: write {example}.") from None
    if parts.scheme not in schemes or not (parts.netloc or parts.path):
        raise BadUrl(f"{name} must begin with {schemes[0]}://, as in {example}.")
    return parts
