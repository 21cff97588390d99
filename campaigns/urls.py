"""Paths of campaigns. One list per room; add a page to the list of its room."""

from django.urls import path

from campaigns.views import (
    bench,
    callbacks,
    calls,
    costs,
    data_requests,
    desk,
    experiments,
    funnel,
    guide,
    history,
    inbound,
    likeness,
    maps,
    opportunities,
    orders,
    planning,
    refusals,
    script_path,
    segments,
    skips,
)

app_name = "campaigns"

PLANNING = [
    path("refusals/", refusals.refusals, name="refusals"),
    path("campaigns/", planning.campaign_list, name="campaigns"),
    path("campaigns/new/", planning.campaign_edit, name="campaign_new"),
    path("campaigns/bench/", bench.bench, name="bench"),
    path("campaigns/bench/find/", bench.find, name="bench-find"),
    path("campaigns/allocate/", planning.list_allocate, name="list_allocate"),
    path("campaigns/allocate/segment/", segments.segment_allocate, name="segment_allocate"),
    path("campaigns/segments/<int:pk>/", segments.segment_allocation, name="segment_allocation"),
    path(
        "campaigns/segments/<int:pk>/progress/",
        segments.segment_allocation_progress,
        name="segment_allocation_progress",
    ),
    path("campaigns/<int:pk>/", planning.campaign_detail, name="campaign"),
    path("campaigns/<int:pk>/why-not/", funnel.why_not, name="campaign_why_not"),
    path("campaigns/<int:pk>/edit/", planning.campaign_edit, name="campaign_edit"),
    path("campaigns/<int:pk>/switch/", planning.campaign_switch, name="campaign_switch"),
    path("campaigns/<int:pk>/teams/", planning.campaign_teams, name="campaign_teams"),
    path("campaigns/<int:pk>/map/", maps.map_begin, name="campaign_map"),
    path("campaigns/<int:pk>/retry/", planning.campaign_retry, name="campaign_retry"),
    path("campaigns/<int:pk>/stage/", planning.campaign_enter, name="campaign_enter"),
    path("campaigns/samples/<int:pk>/rest/", planning.sample_rest, name="sample-rest"),
    path("campaigns/samples/<int:pk>/stop/", planning.sample_stop, name="sample-stop"),
    path("campaigns/<int:pk>/gates/<int:gate_pk>/", planning.gate_act, name="gate_act"),
]

DATA_REQUESTS = [
    path("data-requests/", data_requests.requests, name="data-requests"),
    path("data-requests/badge/", data_requests.badge, name="data-requests-badge"),
    path("data-requests/new/", data_requests.request_new, name="data-request-new"),
    path("data-requests/count/", data_requests.count, name="data-request-count"),
    path("data-requests/<int:pk>/", data_requests.detail, name="data-request"),
    path("data-requests/<int:pk>/count/", data_requests.count_now, name="data-request-count-now"),
    path("data-requests/<int:pk>/progress/", data_requests.progress, name="data-request-progress"),
    path("data-requests/<int:pk>/approve/", data_requests.approve, name="data-request-approve"),
    path("data-requests/<int:pk>/refuse/", data_requests.refuse, name="data-request-refuse"),
    path("data-requests/<int:pk>/withdraw/", data_requests.withdraw, name="data-request-withdraw"),
    path("data-requests/<int:pk>/close/", data_requests.close, name="data-request-close"),
]

LIKENESS = [
    path("campaigns/likeness/protected/", likeness.protected_attributes, name="protected_attributes"),
    path("campaigns/likeness/protected/<int:pk>/release/", likeness.protected_release, name="protected_release"),
    path("campaigns/<int:pk>/likeness/", likeness.likeness_page, name="likeness"),
    path("campaigns/<int:pk>/likeness/train/", likeness.likeness_train, name="likeness_train"),
    path("campaigns/<int:pk>/likeness/switch/", likeness.likeness_switch, name="likeness_switch"),
    path("campaigns/<int:pk>/likeness/leads/<int:lead_pk>/", likeness.likeness_lead, name="likeness_lead"),
]

EXPERIMENTS = [
    path("campaigns/<int:pk>/experiments/", experiments.experiments, name="experiments"),
    path("campaigns/<int:pk>/experiments/new/", experiments.experiment_new, name="experiment-new"),
    path("campaigns/experiments/<int:pk>/edit/", experiments.experiment_edit, name="experiment-edit"),
    path("campaigns/experiments/<int:pk>/discard/", experiments.experiment_discard, name="experiment-discard"),
    path("campaigns/experiments/<int:pk>/start/", experiments.experiment_start, name="experiment-start"),
    path("campaigns/experiments/<int:pk>/stop/", experiments.experiment_stop, name="experiment-stop"),
    path("campaigns/experiments/<int:pk>/decide/", experiments.experiment_decide, name="experiment-decide"),
]

DESK = [
    path("desk/", desk.page, name="desk"),
    path("desk/start/", desk.start, name="desk_start"),
    path("desk/dial/", desk.dial, name="desk_dial"),
    path("desk/answered/", desk.answered, name="desk_answered"),
    path("desk/number/", desk.number, name="desk_number"),
    path("desk/hang-up/", desk.hang_up, name="desk_hang_up"),
    path("desk/phase/", desk.phase, name="desk_phase"),
    path("desk/result/", desk.result, name="desk_result"),
    path("desk/next/", desk.go_on, name="desk_next"),
    path("desk/inbound/", inbound.begin, name="desk_inbound"),
    path("desk/inbound/ring/", inbound.ring, name="desk_inbound_ring"),
    path("desk/inbound/answer/", inbound.answer, name="desk_inbound_answer"),
    path("desk/inbound/take/", inbound.take, name="desk_inbound_take"),
    path("desk/inbound/hang-up/", inbound.hang_up, name="desk_inbound_hang_up"),
    path("desk/inbound/drop/", inbound.drop, name="desk_inbound_drop"),
    path("desk/skip/", desk.skip, name="desk_skip"),
    path("desk/skips/", skips.skips, name="skips"),
    path("desk/pause/", desk.pause, name="desk_pause"),
    path("desk/promises/", desk.promises, name="desk_promises"),
    path("callbacks/", callbacks.board, name="callbacks"),
    path("callbacks/kept/", callbacks.kept, name="promises-kept"),
    path("callbacks/badge/", callbacks.badge, name="callbacks-badge"),
    path("callbacks/<int:pk>/hand-over/", callbacks.hand_over, name="callback_hand_over"),
]

FACTS = [
    path("calls/", calls.calls, name="calls"),
    path("calls/<int:pk>/", calls.call, name="call"),
    path("calls/import/", history.call_import, name="call_import"),
    path("calls/import/<int:pk>/", history.call_import_detail, name="call_import_detail"),
    path("calls/import/<int:pk>/progress/", history.call_import_progress, name="call_import_progress"),
    path("calls/import/<int:pk>/rejects/", history.call_import_rejects, name="call_import_rejects"),
    path("calls/import/<int:pk>/start/", history.call_import_start, name="call_import_start"),
    path("calls/import/<int:pk>/give-up/", history.call_import_give_up, name="call_import_give_up"),
    path("costs/", costs.costs, name="costs"),
    path("costs/new/", costs.cost_new, name="cost-new"),
    path("costs/<int:pk>/take-back/", costs.cost_take_back, name="cost-take-back"),
    path("costs/<int:pk>/put-back/", costs.cost_put_back, name="cost-put-back"),
    path("opportunities/", opportunities.opportunities, name="opportunities"),
    path("opportunities/desk/", opportunities.desk_sheet, name="opportunity-desk"),
    path("opportunities/<int:pk>/", opportunities.opportunity, name="opportunity"),
    path("opportunities/<int:pk>/close/", opportunities.opportunity_close, name="opportunity-close"),
    path("opportunities/<int:pk>/reopen/", opportunities.opportunity_reopen, name="opportunity-reopen"),
    path("calls/<int:pk>/opportunity/", opportunities.hand_over, name="opportunity-new"),
    path("orders/", orders.orders, name="orders"),
    path("orders/<int:pk>/", orders.order, name="order"),
    path("orders/<int:pk>/cancel/", orders.order_cancel, name="order-cancel"),
    path("orders/<int:pk>/reinstate/", orders.order_reinstate, name="order-reinstate"),
    path("customers/<int:pk>/calls/", calls.customer_calls, name="customer-calls"),
    path("segments/<int:pk>/campaigns/", segments.segment_campaigns, name="segment-campaigns"),
    path("customers/<int:pk>/orders/", calls.customer_orders, name="customer-orders"),
]

GUIDE = [
    path("desk/notes/", guide.notes, name="desk_notes"),
    path("desk/find/", guide.find, name="desk_find"),
    path("desk/articles/<int:pk>/", guide.article, name="desk_article"),
    path("objections/<int:pk>/success/", guide.objection_success, name="objection-success"),
    path("scripts/versions/<int:pk>/path/", script_path.script_path, name="script_path"),
]

urlpatterns = [*DESK, *PLANNING, *DATA_REQUESTS, *LIKENESS, *EXPERIMENTS, *FACTS, *GUIDE]
