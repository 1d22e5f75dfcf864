"""Addresses of the API of the app."""

urlpatterns: list = []
