"""The customer data centre over the API."""

from __future__ import annotations

from rest_framework.routers import BaseRouter

from customers import api_persons


def register(router: BaseRouter) -> None:
    api_persons.register(router)
