"""The API of campaigns. Each room registers its own endpoints."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import BaseRouter

from campaigns import (
    api_calls,
    api_costs,
    api_data_requests,
    api_desk,
    api_funnel,
    api_guide,
    api_inbound,
    api_likeness,
    api_messages,
    api_opportunities,
    api_segment_allocations,
)

ROOMS = [api_calls, api_costs, api_data_requests, api_messages, api_opportunities, api_segment_allocations]


def register(router: BaseRouter) -> None:
    for room in ROOMS:
        room.register(router)


urlpatterns = [
    path("campaigns/<int:pk>/funnel/", api_funnel.CampaignFunnel.as_view(), name="campaign-funnel"),
    path("leads/next/", api_desk.NextLead.as_view(), name="lead-next"),
    path("leads/inbound/", api_inbound.InboundBegin.as_view(), name="inbound-begin"),
    path("leads/inbound/take/", api_inbound.InboundTake.as_view(), name="inbound-take"),
    path("leads/inbound/drop/", api_inbound.InboundDrop.as_view(), name="inbound-drop"),
    path("leads/<int:pk>/dial/", api_desk.DialLead.as_view(), name="lead-dial"),
    path("leads/<int:pk>/result/", api_desk.LeadResult.as_view(), name="lead-result"),
    path("leads/<int:pk>/notes/", api_guide.LeadNotes.as_view(), name="lead-notes"),
    path("leads/<int:pk>/give-back/", api_desk.GiveBackLead.as_view(), name="lead-give-back"),
    path("campaigns/<int:pk>/likeness/", api_likeness.CampaignLikeness.as_view(), name="campaign-likeness"),
]
