"""Paths of campaigns. One list per room; add a page to the list of its room."""

from django.urls import path

from campaigns.views import planning

app_name = "campaigns"

PLANNING = [
    path("campaigns/", planning.campaign_list, name="campaigns"),
    path("campaigns/new/", planning.campaign_edit, name="campaign_new"),
    path("campaigns/allocate/", planning.list_allocate, name="list_allocate"),
    path("campaigns/<int:pk>/", planning.campaign_detail, name="campaign"),
    path("campaigns/<int:pk>/edit/", planning.campaign_edit, name="campaign_edit"),
    path("campaigns/<int:pk>/switch/", planning.campaign_switch, name="campaign_switch"),
    path("campaigns/<int:pk>/teams/", planning.campaign_teams, name="campaign_teams"),
    path("campaigns/<int:pk>/retry/", planning.campaign_retry, name="campaign_retry"),
    path("campaigns/<int:pk>/stage/", planning.campaign_enter, name="campaign_enter"),
    path("campaigns/<int:pk>/gates/<int:gate_pk>/", planning.gate_act, name="gate_act"),
]

urlpatterns = [*PLANNING]
