"""Addresses of the pages of the app."""

from django.urls import path

from species import views

app_name = "species"
urlpatterns = [
    path("especes/", views.taxon_list, name="list"),
    path("especes/<int:pk>/", views.taxon_page, name="taxon"),
]
