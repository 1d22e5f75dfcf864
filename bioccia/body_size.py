"""Bodies that are too large are refused before a byte of them is kept."""

import time
from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, UnreadablePostError
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from bioccia.errors import PROBLEM, BiocciaError

CHUNK_BYTES = 1 << 16
LINGER_SECONDS = 10
MULTIPART = "multipart/form-data"


class TooLargeError(BiocciaError):
    """What was sent is larger than what is taken."""

    code, status, title = "too_large", 413, _("Too large")


class BodySizeMiddleware:
    """Refuse by the announced size, so that nobody fills memory or disk; without a size, a body counts as empty."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Let the others through."""
        is_multipart = request.content_type == MULTIPART
        limit = settings.LARGEST_MULTIPART_BYTES if is_multipart else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        try:
            refuse_larger(request, limit)
        except TooLargeError as error:
            return _refusal(request, error)
        return self.get_response(request)


def refuse_larger(request: HttpRequest, limit: int) -> None:
    """Raise TooLargeError where the announced body passes the limit.

    Args:
        request: nothing of its body is read.
        limit: in bytes.
    """
    size = _announced(request)
    if size > limit:
        sizes = {"size": f"{size / 1e6:.0f}", "limit": f"{limit / 1e6:.0f}"}
        raise TooLargeError(
            _("What you send weighs %(size)s MB; at most %(limit)s MB is taken. Make it smaller, or send less.") % sizes
        )


def _announced(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _refusal(request: HttpRequest, error: TooLargeError) -> HttpResponse:
    if request.path.startswith("/api/"):
        return linger(request, JsonResponse(error.as_problem(), status=error.status, content_type=PROBLEM))
    return linger(request, render(request, "error.html", {"error": error}, status=error.status))


def linger(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """Once the answer is sent, read and forget what still comes, for a while.

    A connection closed on unread bytes is reset, and the sender would see that instead of the answer.
    """
    close = answer.close

    def forget_then_close() -> None:
        deadline = time.monotonic() + LINGER_SECONDS
        with suppress(UnreadablePostError, OSError):
            while request.read(CHUNK_BYTES) and time.monotonic() < deadline:
                pass
        close()

    answer.close = forget_then_close  # type: ignore[method-assign] # the server calls it when all is sent
    return answer
