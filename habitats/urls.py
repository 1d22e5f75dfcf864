"""Addresses of the pages of the app."""

app_name = "habitats"
urlpatterns: list = []
