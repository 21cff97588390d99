"""Addresses of lead lists; customers.urls takes them up."""

from django.urls import path

from customers.views import list_mapping, list_repairs, lists

urlpatterns = [
    path("lists/", lists.lists, name="lists"),
    path("lists/upload/", lists.list_upload, name="list-upload"),
    path("lists/template/", lists.list_template, name="list-template"),
    path("lists/<int:pk>/", lists.list_detail, name="list"),
    path("lists/<int:pk>/columns/", lists.list_columns, name="list-columns"),
    path("lists/<int:pk>/mapping/", list_mapping.list_mapping, name="list-mapping"),
    path("lists/<int:pk>/progress/", lists.list_progress, name="list-progress"),
    path("lists/<int:pk>/commit/", lists.list_commit, name="list-commit"),
    path("lists/<int:pk>/stop/", lists.list_stop, name="list-stop"),
    path("lists/<int:pk>/take-back/", lists.list_take_back, name="list-take-back"),
    path("lists/<int:pk>/give-up/", lists.list_give_up, name="list-give-up"),
    path("lists/<int:pk>/decide/", lists.list_decide, name="list-decide"),
    path("lists/<int:pk>/rows/<int:row>/open/", list_repairs.row_open, name="list-row-open"),
    path("lists/<int:pk>/rows/<int:row>/repair/", list_repairs.row_repair, name="list-row-repair"),
    path("lists/<int:pk>/correct/", list_repairs.list_correct, name="list-correct"),
    path("lists/<int:pk>/repairs/<int:repair>/undo/", list_repairs.repair_undo, name="list-repair-undo"),
    path("lists/<int:pk>/rejects/", lists.list_rejects_file, name="list-rejects"),
]
