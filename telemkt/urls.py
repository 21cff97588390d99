"""Every local app mounts its own prefixes; the top floor adds the front door, the API and the sign of life."""

from importlib.util import find_spec

from django.conf import settings
from django.urls import include, path

from telemkt import kit, views

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("kit/", kit.show, name="kit"),
    path("api/v1/", include("telemkt.api")),
    *(path("", include(f"{app}.urls")) for app in settings.LOCAL_APPS if find_spec(f"{app}.urls")),
]
