"""Memory of a long-running process."""

import gc

from django.urls import get_resolver


def settle() -> None:
    """Load all pages, then leave what is loaded out of every later collection of garbage: it lives as long as the process, and walking through
    it stops whoever waits for a page by a tenth of a second, every few dozen pages."""
    get_resolver().url_patterns  # noqa: B018 - loads the modules of all addresses
    gc.collect()
    gc.freeze()
