"""`/api/v1/`: every local app registers its endpoints in its own `api.py`, by `register(router)` or `urlpatterns`."""

from importlib import import_module
from importlib.util import find_spec

from django.conf import settings
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from telemkt import views


def _endpoints() -> list[URLPattern | URLResolver]:
    router = SimpleRouter()
    own: list[URLPattern | URLResolver] = []
    for app in settings.LOCAL_APPS:
        if not find_spec(f"{app}.api"):
            continue
        module = import_module(f"{app}.api")
        if hasattr(module, "register"):
            module.register(router)
        own += getattr(module, "urlpatterns", [])
    return [*own, *router.urls]


app_name = "api"
urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", views.api_docs, name="docs"),
    *_endpoints(),
]
