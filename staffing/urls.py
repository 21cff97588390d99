"""Paths of staffing."""

from django.urls import path

from staffing.views import coaching, growth, queue

app_name = "staffing"

urlpatterns = [
    path("growth/", growth.growth, name="growth"),
    path("coaching/", coaching.sessions, name="coaching"),
    path("coaching/new/", coaching.session_new, name="coaching-new"),
    path("coaching/whom/", queue.whom, name="coaching-whom"),
    path("coaching/problems/", queue.problems, name="team-problems"),
    path("coaching/<int:pk>/", coaching.session, name="coaching-session"),
    path("coaching/<int:pk>/view/", coaching.own_view, name="coaching-view"),
    path("coaching/<int:pk>/words/", coaching.words, name="coaching-words"),
    path("coaching/<int:pk>/sign/", coaching.sign, name="coaching-sign"),
    path("coaching/<int:pk>/move/", coaching.move, name="coaching-move"),
    path("coaching/<int:pk>/cancel/", coaching.cancel, name="coaching-cancel"),
    path("coaching/steps/<int:pk>/", coaching.step, name="coaching-step"),
]
