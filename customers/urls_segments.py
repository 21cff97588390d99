"""Addresses of segments; customers.urls takes them up."""

from django.urls import path

from customers.views import segments

urlpatterns = [
    path("segments/", segments.segments, name="segments"),
    path("segments/new/", segments.segment_new, name="segment-new"),
    path("segments/grid/", segments.segment_grid, name="segment-grid"),
    path("segments/count/", segments.segment_count, name="segment-count"),
    path("segments/<int:pk>/", segments.segment, name="segment"),
    path("segments/<int:pk>/edit/", segments.segment_edit, name="segment-edit"),
    path("segments/<int:pk>/progress/", segments.segment_progress, name="segment-progress"),
    path("segments/<int:pk>/refresh/", segments.segment_refresh, name="segment-refresh"),
    path("segments/<int:pk>/archive/", segments.segment_archive, name="segment-archive"),
]
