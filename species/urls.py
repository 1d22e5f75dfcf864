"""Addresses of the pages of the app."""

app_name = "species"
urlpatterns: list = []
