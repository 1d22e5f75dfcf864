"""The OpenAPI document and the pages that show it."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.response import Response


class SchemaView(SpectacularAPIView):
    """OpenAPI 3.1, in English whatever the page's language: half of its words are names in the code."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer in English."""
        with translation.override("en"):
            answer = cast(Response, super().dispatch(request, *args, **kwargs))
            return answer.render()


class DocsView(SpectacularSwaggerView):
    """Swagger UI from this server, with nonces on what the page holds itself."""

    template_name = "api_docs.html"
    url_name = "schema"
