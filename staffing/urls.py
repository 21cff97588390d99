"""Paths of staffing."""

from django.urls import path

from staffing.views import growth

app_name = "staffing"

urlpatterns = [
    path("growth/", growth.growth, name="growth"),
]
