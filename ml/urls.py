"""Addresses of the pages of the app."""

app_name = "ml"
urlpatterns: list = []
