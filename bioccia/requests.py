"""Requests with what the middlewares of settings add to them, for the signatures of views."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class HtmxRequest(HttpRequest):
    """Any request of a page: django_htmx tells whether a script asks for a part of it."""

    htmx: HtmxDetails
