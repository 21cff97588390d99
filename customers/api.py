"""The customer data centre over the API."""

from __future__ import annotations

from rest_framework.routers import BaseRouter

from customers import api_canaries, api_lists, api_persons, api_segments


def register(router: BaseRouter) -> None:
    api_canaries.register(router)
    api_lists.register(router)
    api_persons.register(router)
    api_segments.register(router)
