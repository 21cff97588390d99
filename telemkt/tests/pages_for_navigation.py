"""Some of the pages, so that navigation can be tried without all apps."""

from django.http import HttpResponse
from django.urls import include, path


def page(request):
    return HttpResponse()


def app(name, **paths):
    return path("", include(([path(url, page, name=key) for key, url in paths.items()], name)))


urlpatterns = [
    app("campaigns", desk="desk/", calls="calls/", call_import="calls/import/", campaigns="campaigns/"),
    app("metrics", floor="floor/", indicators="indicators/"),
    app("people", users="people/users/", account="account/"),
    app("customers", lists="lists/"),
]
