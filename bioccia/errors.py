"""Errors a person can act on: a code, an HTTP status and a sentence; one handler answers for pages and for the API."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader
from django.utils.translation import gettext_lazy as _
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

PROBLEM = "application/problem+json"


class BiocciaError(Exception):
    """Base of every error that a person's action can cause.

    Attributes:
        code: stable word for programs.
        status: HTTP status.
        title: short name of the kind of error.
        detail: the sentence for the person.
        fields: messages by field name, where a field is at fault.
    """

    code = "error"
    status = 400
    title = _("This cannot be done")

    def __init__(self, detail: Any, *, fields: dict[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = fields or {}

    def as_problem(self) -> dict[str, Any]:
        """The RFC 9457 body."""
        problem = {
            "code": self.code,
            "status": self.status,
            "title": str(self.title),
            "detail": str(self.detail),
        }
        if self.fields:
            problem["fields"] = {name: str(message) for name, message in self.fields.items()}
        return problem


class NotAllowedError(BiocciaError):
    """The person has no right to do this here."""

    code, status, title = "not_allowed", 403, _("Not allowed")


class StateForbidsError(BiocciaError):
    """The thing is in a state that does not allow this move."""

    code, status, title = "state_forbids", 409, _("Not possible now")


class InvalidFieldsError(BiocciaError):
    """Some fields are wrong."""

    code, status, title = "invalid", 422, _("Some fields are wrong")


def answer_api_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn our errors and DRF's into `application/problem+json`; anything else is left to the 500 page."""
    if isinstance(error, BiocciaError):
        return Response(error.as_problem(), status=error.status, content_type=PROBLEM)
    response = exception_handler(error, context)
    if response is None:
        return None
    response.data = _problem_of(error, response)
    response.content_type = PROBLEM
    return response


def _problem_of(error: Exception, response: Response) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        fields = response.data if isinstance(response.data, dict) else {"non_field_errors": response.data}
        response.status_code = 422
        return {
            "code": "invalid",
            "status": 422,
            "title": str(_("Some fields are wrong")),
            "detail": "; ".join(f"{name}: {_first(value)}" for name, value in fields.items()),
            "fields": {name: str(_first(value)) for name, value in fields.items()},
        }
    if isinstance(error, Http404):
        code, detail = "not_found", str(_("Nothing is found at this address."))
    elif isinstance(error, PermissionDenied):
        code, detail = "not_allowed", str(_("You may not do this."))
    else:
        detail_of = getattr(error, "detail", "")
        code, detail = getattr(detail_of, "code", "error"), str(detail_of)
    return {"code": code, "status": response.status_code, "title": response.status_text, "detail": detail}


def _first(value: Any) -> Any:
    """The first sentence in what DRF says of a field, which may be a list or the fields of an inner body."""
    if isinstance(value, list):
        return next((_first(inner) for inner in value if inner), "")
    if isinstance(value, dict):
        name, inner = next(((name, inner) for name, inner in value.items() if inner), ("", ""))
        return _first(inner) if name == "non_field_errors" else f"{name}: {_first(inner)}"
    return value


class ErrorMiddleware:
    """Answer our errors raised by pages: the right status, a page that says the sentence and a way back."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer a BiocciaError; leave the rest to Django."""
        if not isinstance(error, BiocciaError):
            return None
        if request.path.startswith("/api/"):
            return JsonResponse(error.as_problem(), status=error.status, content_type=PROBLEM)
        return render(request, "error.html", {"error": error}, status=error.status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: thousands of fields, another site's name; nothing of the request is trusted, not even to draw a page."""
    if request.path.startswith("/api/"):
        return _answer(request, 400, "bad_request", _("This request cannot be read. Send less, or send it again."))
    return defaults.bad_request(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """404, for people and for programs."""
    return _answer(request, 404, "not_found", _("Nothing is found at this address."))


def page_forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """403, for people and for programs."""
    return _answer(request, 403, "not_allowed", _("You may not see this page. Sign in, or ask for a mandate."))


def page_of_failure(request: HttpRequest) -> HttpResponse:
    """500: without the database nor the templates' context, since either may be what failed."""
    if request.path.startswith("/api/"):
        return _answer(request, 500, "failure", _("The server failed. The failure is in its log."))
    return HttpResponse(loader.render_to_string("500.html"), status=500)


def _answer(request: HttpRequest, status: int, code: str, detail: Any) -> HttpResponse:
    if request.path.startswith("/api/"):
        problem = {"code": code, "status": status, "title": code.replace("_", " "), "detail": str(detail)}
        return JsonResponse(problem, status=status, content_type=PROBLEM)
    return render(request, f"{status}.html", {"detail": detail}, status=status)
