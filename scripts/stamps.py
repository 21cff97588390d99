"""Stamps: short words that tell one wording from any other, for pages and files that come back later."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def stamp(content: Any) -> str:
    """The same for the same content, whatever the order of its names; what JSON does not know counts as its text."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]
