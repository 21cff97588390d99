"""The top floor: settings, URLs, the API's router, the Celery app, and the stack that serves them."""

from typing import Any


def __getattr__(name: str) -> Any:
    # Not imported at once: the stack starts servers before Django and Celery are of use.
    if name == "celery_app":
        from telemkt.celery import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
