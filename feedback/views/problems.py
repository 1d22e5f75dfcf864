"""Errors as the scripts of a page read them."""

from django.http import JsonResponse

from bioccia.errors import PROBLEM, BiocciaError


def problem(error: BiocciaError) -> JsonResponse:
    """The RFC 9457 body, outside of the API too."""
    return JsonResponse(error.as_problem(), status=error.status, content_type=PROBLEM)
