"""A cache that web, workers and scheduler have together, in the server of the broker: `caches["shared"]`.

For what one process works out so that another need not. What is asked many times in a page stays in the process (`default`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


class SharedCache(RedisCache):
    """A server that is away is an empty cache: who asks works it out himself, as without one."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return _or_else(default, super().get, key, default, version)

    def get_many(self, keys: Any, version: int | None = None) -> dict[str, Any]:
        return _or_else({}, super().get_many, keys, version)

    def set(self, key: Any, *args: Any, **kwargs: Any) -> None:
        _or_else(None, super().set, key, *args, **kwargs)

    def set_many(self, data: dict[str, Any], *args: Any, **kwargs: Any) -> list[str]:
        return _or_else(list(data), super().set_many, data, *args, **kwargs)

    def add(self, key: Any, *args: Any, **kwargs: Any) -> bool:
        """True also while the server is away: each is the first then."""
        return _or_else(True, super().add, key, *args, **kwargs)


def _or_else(default: Any, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return work(*args, **kwargs)
    except RedisError:
        log.warning("The shared cache does not answer.")
        return default
