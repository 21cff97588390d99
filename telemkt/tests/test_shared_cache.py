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
    assert not other.add(key, 1, 30)
    assert other.get_many([key, f"{key}.2", f"{key}.3"]) == {key: {"a": 1}, f"{key}.2": 2}
    other.delete_many([key, f"{key}.2"])


@pytest.mark.parametrize("location", ["unix:///nowhere/valkey.sock?db=2", "redis://127.0.0.1:1/0"])
def test_a_server_that_is_away_is_an_empty_cache(location):
    away = SharedCache(location, {})

    away.set("a", 1, 30)

    assert away.add("a", 1, 30)
    assert away.set_many({"a": 1}, 30) == ["a"]
    assert away.get("a") is None
    assert away.get("a", 5) == 5
    assert away.get_many(["a"]) == {}


def test_a_given_server_is_used_as_it_is(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://:secret@cache.example:6379/4")

    assert urls.shared_cache() == "redis://:secret@cache.example:6379/4"
    assert settings.CACHES["shared"] == settings.CACHES["default"]  # tests keep it to themselves
