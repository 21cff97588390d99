"""What all processes keep together; and what happens when its server is away."""

from __future__ import annotations

import uuid

import pytest
from django.conf import settings

from core.shared_cache import SharedCache
from telemkt.stack import urls


def test_what_one_keeps_another_finds():
    key = uuid.uuid4().hex
    one, other = (SharedCache(urls.shared_cache(), {"KEY_PREFIX": "test"}) for _n in range(2))

    one.set(key, {"a": 1}, 30)
    one.set_many({f"{key}.2": 2}, 30)

    assert other.get(key) == {"a": 1}
    assert key in other
    assert not other.add(key, 1, 30)
    assert other.get_many([key, f"{key}.2", f"{key}.3"]) == {key: {"a": 1}, f"{key}.2": 2}
    assert (one.incr(f"{key}.2"), other.incr(f"{key}.2")) == (3, 4)
    other.delete_many([key, f"{key}.2"])
    with pytest.raises(ValueError, match="not found"):
        one.incr(f"{key}.2")


@pytest.mark.parametrize("location", ["unix:///nowhere/valkey.sock?db=2", "redis://127.0.0.1:1/0"])
def test_a_server_that_is_away_is_an_empty_cache(location):
    away = SharedCache(location, {})

    away.set("a", 1, 30)

    assert away.add("a", 1, 30)
    assert away.set_many({"a": 1}, 30) == ["a"]
    assert away.get("a") is None
    assert away.get("a", 5) == 5
    assert "a" not in away
    assert away.get_many(["a"]) == {}
    assert not away.delete("a")
    with pytest.raises(ValueError, match="There is no a"):
        away.incr("a")


class OfAnotherVersion:
    """Pickled by name; the name is gone when it is read."""


@pytest.mark.parametrize("ask", ["get", "get_many"])
def test_what_nobody_can_read_any_more_is_not_there(ask, monkeypatch):
    key = uuid.uuid4().hex
    cache = SharedCache(urls.shared_cache(), {"KEY_PREFIX": "test"})
    cache.set(key, OfAnotherVersion(), 30)
    assert isinstance(cache.get(key), OfAnotherVersion)
    monkeypatch.delattr(f"{__name__}.OfAnotherVersion")

    assert (cache.get(key) if ask == "get" else cache.get_many([key])) in (None, {})
    cache.delete(key)


def test_what_cannot_be_written_is_a_fault():
    with pytest.raises(AttributeError):
        SharedCache(urls.shared_cache(), {"KEY_PREFIX": "test"}).set("a", lambda: None, 30)


def test_a_given_server_is_used_as_it_is(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://:secret@cache.example:6379/4")

    assert urls.shared_cache() == "redis://:secret@cache.example:6379/4"
    assert settings.CACHES["shared"] == settings.CACHES["default"]  # tests keep it to themselves
