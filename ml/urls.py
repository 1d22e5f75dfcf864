"""Addresses of the pages of the app."""

from django.urls import path

from ml.views import runs

app_name = "ml"
urlpatterns = [
    path("traitements/", runs.run_list, name="run-list"),
    path("traitements/nouveau/", runs.start_run, name="run-start"),
    path("traitements/<int:pk>/", runs.run_page, name="run"),
    path("traitements/<int:pk>/suivi/", runs.run_progress, name="run-progress"),
    path("traitements/<int:pk>/arret/", runs.stop_run, name="run-stop"),
    path("traitements/<int:pk>/reprise/", runs.requeue_run, name="run-requeue"),
]
