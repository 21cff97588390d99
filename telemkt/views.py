"""The front door, the sign of life, and the page of the API."""

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from telemkt import navigation


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Send everybody to the page where their work begins."""
    return redirect(navigation.home_for(request.user))


@never_cache
@require_GET
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """200 when this process can ask the database, else 503: for load balancers, so it tells nothing more."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "down"}, status=503)
    return JsonResponse({"status": "ok"})


@require_GET
def api_docs(request: HttpRequest) -> HttpResponse:
    """The description of `/api/v1/` for people; for machines it is `/api/v1/schema/`."""
    return render(request, "telemkt/api_docs.html")
