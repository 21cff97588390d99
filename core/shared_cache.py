"""A cache that web, workers and scheduler have together, in the server of the broker: `caches["shared"]`.

For what one process works out so that another need not. What is asked many times in a page stays in the process (`default`).
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
# What reading a value raises that another version of the product wrote.
UNREADABLE = (AttributeError, ImportError, KeyError, TypeError, ValueError, EOFError, pickle.UnpicklingError)


class SharedCache(RedisCache):
    """A server that is away is an empty cache, and a value that nobody can read is not there: who asks works it out himself, as without one."""

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return _read(default, super().get, key, default, version)

    def get_many(self, keys: Any, version: int | None = None) -> dict[str, Any]:
        return _read({}, super().get_many, keys, version)

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return _or_else(False, super().has_key, key, version)

    def set(self, key: Any, *args: Any, **kwargs: Any) -> None:
        _or_else(None, super().set, key, *args, **kwargs)

    def set_many(self, data: dict[str, Any], *args: Any, **kwargs: Any) -> list[str]:
        return _or_else(list(data), super().set_many, data, *args, **kwargs)

    def delete(self, key: Any, version: int | None = None) -> bool:
        return _or_else(False, super().delete, key, version)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Raises ValueError when the key is not there, as while the server is away."""
        found = _or_else(None, super().incr, key, delta, version)
        if found is None:
            raise ValueError(f"There is no {key} to count on.")
        return int(found)

    def add(self, key: Any, *args: Any, **kwargs: Any) -> bool:
        """True also while the server is away: each is the first then."""
        return _or_else(True, super().add, key, *args, **kwargs)


def _read(default: Any, work: Callable[..., Any], *args: Any) -> Any:
    try:
        return _or_else(default, work, *args)
    except UNREADABLE as fault:
        log.warning("The shared cache holds what cannot be read: %s.", type(fault).__name__)
        return default


def _or_else(default: Any, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return work(*args, **kwargs)
    except RedisError:
        log.warning("The shared cache does not answer.")
        return default
