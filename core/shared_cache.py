"""A cache that web, workers and scheduler have together, in the server of the broker: `caches["shared"]`.

For what one process works out so that another need not. What is asked many times in a page stays in the process (`default`).
"""

from __future__ import annotations

import logging
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


class SharedCache(RedisCache):
    """A server that is away is an empty cache: who asks works it out himself, as without one."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get(*args, **kwargs)
        except RedisError:
            log.warning("The shared cache does not answer.")
            return kwargs.get("default", args[1] if len(args) > 1 else None)

    def get_many(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            return super().get_many(*args, **kwargs)
        except RedisError:
            log.warning("The shared cache does not answer.")
            return {}

    def set(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().set(*args, **kwargs)
        except RedisError:
            log.warning("The shared cache does not answer.")

    def add(self, *args: Any, **kwargs: Any) -> bool:
        """True also while the server is away: each is the first then."""
        try:
            return super().add(*args, **kwargs)
        except RedisError:
            log.warning("The shared cache does not answer.")
            return True

    def set_many(self, data: dict[str, Any], *args: Any, **kwargs: Any) -> list[str]:
        try:
            return super().set_many(data, *args, **kwargs) or []
        except RedisError:
            log.warning("The shared cache does not answer.")
            return list(data)
