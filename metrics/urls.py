from django.urls import path

from metrics import views_floor, views_indicators, views_offers, views_own, views_scorecards, views_trials

app_name = "metrics"

urlpatterns = [
    path("indicators/", views_indicators.indicators, name="indicators"),
    path("indicators/peak/", views_indicators.indicators_peak, name="indicators-peak"),
    path("indicators/definitions/", views_indicators.definitions, name="definitions"),
    path("indicators/indicators.xlsx", views_indicators.indicators_export, {"suffix": "xlsx"}, name="indicators-xlsx"),
    path("indicators/indicators.csv", views_indicators.indicators_export, {"suffix": "csv"}, name="indicators-csv"),
    path("sources/scorecards/", views_scorecards.source_scorecards, name="scorecards"),
    path("sources/scorecards/<int:pk>/", views_scorecards.source_scorecard, name="scorecard-source"),
    path("lists/<int:pk>/scorecard/", views_scorecards.list_scorecard, name="scorecard-list"),
    path("samples/<int:pk>/", views_scorecards.sample, name="sample"),
    path("offers/<int:pk>/effect/", views_offers.offer_effect, name="offer"),
    path("experiments/<int:pk>/", views_trials.experiment, name="experiment"),
    path("desk/own/", views_own.own_figures, name="own-figures"),
    path("floor/", views_floor.floor, name="floor"),
    path("floor/panels/", views_floor.floor_panels, name="floor-panels"),
]
