from django.urls import path

from scripts import views

app_name = "scripts"
urlpatterns = [
    path("products/", views.product_list, name="products"),
    path("products/new/", views.product_edit, name="product_new"),
    path("products/<int:pk>/", views.product_edit, name="product"),
    path("products/<int:product_pk>/offers/new/", views.offer_edit, name="offer_new"),
    path("products/<int:product_pk>/offers/<int:pk>/", views.offer_edit, name="offer"),
    path("scripts/", views.script_list, name="scripts"),
    path("scripts/new/", views.script_new, name="script_new"),
    path("scripts/<int:pk>/", views.script_detail, name="script"),
    path("scripts/<int:pk>/versions/", views.version_new, name="version_new"),
    path("scripts/versions/<int:pk>/", views.version_edit, name="version_edit"),
    path("scripts/versions/<int:pk>/submit/", views.version_submit, name="version_submit"),
    path("scripts/versions/<int:pk>/send-back/", views.version_send_back, name="version_send_back"),
    path("scripts/versions/<int:pk>/approve/", views.version_approve, name="version_approve"),
    path("scripts/versions/<int:pk>/live/", views.version_live, name="version_live"),
]
