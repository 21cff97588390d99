"""Addresses of persons' requests and of canary customers; customers.urls takes them up."""

from django.urls import path

from customers.views import canaries, person_verbs, requests

urlpatterns = [
    path("requests/", requests.requests, name="requests"),
    path("requests/badge/", requests.requests_badge, name="requests-badge"),
    path("requests/<int:pk>/", requests.request_detail, name="request"),
    path("requests/<int:pk>/copy/", requests.request_copy, name="request-copy"),
    path("requests/<int:pk>/correct/", requests.request_correct, name="request-correct"),
    path("requests/<int:pk>/erase/", requests.request_erase, name="request-erase"),
    path("requests/<int:pk>/lock/", requests.request_lock, name="request-lock"),
    path("requests/<int:pk>/unlock/", requests.request_unlock, name="request-unlock"),
    path("requests/<int:pk>/refuse/", requests.request_refuse, name="request-refuse"),
    path("customers/<int:pk>/requests/", person_verbs.request_open, name="request-open"),
    path("canaries/", canaries.canaries, name="canaries"),
    path("canaries/badge/", canaries.canaries_badge, name="canaries-badge"),
    path("canaries/alerts/", canaries.canary_alerts, name="canary-alerts"),
    path("canaries/new/", canaries.canary_new, name="canary-new"),
    path("canaries/report/", canaries.canary_report, name="canary-report"),
    path("canaries/<int:pk>/", canaries.canary, name="canary"),
    path("canaries/calls/<int:pk>/settle/", canaries.canary_call_settle, name="canary-call-settle"),
]
