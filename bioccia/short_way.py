"""Addresses that machines ask by the dozen skip what only pages need."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve


class ShortWayMiddleware:
    """Answer visitors' tiles and health checks without session, language, CSRF, CSP and a log line each.

    Besides the time, this keeps public tiles cacheable: the long way makes every answer vary by cookie and language.
    Whoever brings a session or a token goes the long way, where they are recognised.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Take the short way where it leads somewhere."""
        if not request.path_info.startswith(settings.SHORT_WAY_PREFIXES) or _brings_an_identity(request):
            return self.get_response(request)
        try:
            found = resolve(request.path_info)
        except Resolver404:
            return self.get_response(request)
        request.resolver_match = found
        request.user = AnonymousUser()
        return found.func(request, *found.args, **found.kwargs)


def _brings_an_identity(request: HttpRequest) -> bool:
    return settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers
