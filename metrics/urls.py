from django.urls import path

from metrics import views_floor

app_name = "metrics"

urlpatterns = [
    path("floor/", views_floor.floor, name="floor"),
    path("floor/panels/", views_floor.floor_panels, name="floor-panels"),
]
