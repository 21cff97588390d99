"""Addresses of possible same persons and of merges; customers.urls takes them up."""

from django.urls import path

from customers.views import duplicates

urlpatterns = [
    path("same-persons/", duplicates.pairs, name="same-persons"),
    path("same-persons/look/", duplicates.look, name="same-persons-look"),
    path("same-persons/<int:pk>/", duplicates.pair, name="same-person"),
    path("same-persons/<int:pk>/different/", duplicates.pair_different, name="same-person-different"),
    path("same-persons/<int:pk>/merge/", duplicates.pair_merge, name="same-person-merge"),
    path("merges/", duplicates.merges, name="merges"),
    path("merges/<int:pk>/", duplicates.merge, name="merge"),
    path("merges/<int:pk>/undo/", duplicates.merge_undo, name="merge-undo"),
]
