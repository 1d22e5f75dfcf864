"""Addresses of the pages of the app."""

from django.urls import path

from feedback.views import cycles

app_name = "feedback"
urlpatterns = [
    path("annees/", cycles.cycle_list, name="cycle-list"),
    path("annees/commencer/", cycles.start_cycle, name="cycle-start"),
]
