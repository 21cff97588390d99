"""What tests of campaigns have in common."""

from __future__ import annotations

import pytest
from django.db import connections


@pytest.fixture
def elsewhere():
    """Another connection with an open transaction."""
    other = connections.create_connection("default")
    other.set_autocommit(False)
    yield other
    other.close()
