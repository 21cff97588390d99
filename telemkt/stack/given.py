"""Servers named by the environment: asked before anything starts, so that a wrong URL is one sentence."""

import os

from telemkt.stack import urls
from telemkt.stack.trouble import Trouble

OLDEST_POSTGRES = 15


def check() -> None:
    """Raises Trouble or BadUrl for the first URL that is given and does not do."""
    for name in ("DATABASE_URL", "DATABASE_REPLICA_URL"):
        if os.environ.get(name, "").strip():
            check_postgres(name)
    if os.environ.get("REDIS_URL", "").strip():
        check_redis()


def check_postgres(name: str) -> None:
    import psycopg2

    given = urls.database(name)
    where = urls.without_password(os.environ[name].strip())
    try:
        connection = psycopg2.connect(
            dbname=given["NAME"], user=given["USER"] or None, password=given["PASSWORD"] or None,
            host=given["HOST"] or None, port=given["PORT"] or None, **{"connect_timeout": "5"} | given["OPTIONS"],
        )  # fmt: skip
    except psycopg2.Error as error:
        raise Trouble(f"{name} names {where}, and PostgreSQL cannot be used there: {_first_line(error)}.") from error
    version = connection.server_version // 10000
    connection.close()
    if version < OLDEST_POSTGRES:
        raise Trouble(f"{name} names a PostgreSQL {version}, and telemkt needs {OLDEST_POSTGRES} or later.")


def check_redis() -> None:
    import redis

    url = urls.broker()
    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5)
        client.ping()
        client.close()
    except (redis.RedisError, ValueError) as error:
        where = urls.without_password(url)
        raise Trouble(f"REDIS_URL names {where}, and Redis cannot be used there: {_first_line(error)}.") from error


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")
