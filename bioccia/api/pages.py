"""Bounded pages, plain and as GeoJSON collections."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

COUNTED_EXACTLY = 10_000
LARGEST_OFFSET = 2**31 - 1


class BoundedLimitOffsetPagination(LimitOffsetPagination):
    """`?limit=&offset=`, at most 1,000 rows an answer."""

    default_limit = 50
    max_limit = 1000

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Both parameters with their bounds."""
        limit, offset = super().get_schema_operation_parameters(view)
        limit["schema"] = {"type": "integer", "minimum": 1, "maximum": self.max_limit, "default": self.default_limit}
        offset["schema"] = {"type": "integer", "minimum": 0, "maximum": LARGEST_OFFSET, "default": 0}
        return [limit, offset]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """DRF writes `nullable`, which OpenAPI 3.1 no longer knows."""
        page = super().get_paginated_response_schema(schema)
        for name in ("next", "previous"):
            page["properties"][name] = {"type": ["string", "null"], "format": "uri"}
        return page


class FeaturePagination(BoundedLimitOffsetPagination):
    """A page as a GeoJSON FeatureCollection.

    Counting a million rows costs more than reading a page of them: `count` is exact up to 10,000, and beyond that what
    the view knows without counting (`known_count`), else null. `next` is right in every case.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list:
        """Find the keys of the page, and one more that says whether a page follows; then read the page.

        In two questions, since the database would join and draw every row that an offset passes over.
        """
        self.request = request
        limit = self.get_limit(request) or self.default_limit
        offset = min(self.get_offset(request), LARGEST_OFFSET)
        keys = list(queryset.values_list("pk", flat=True)[offset : offset + limit + 1])
        self.limit, self.offset, self.end = limit, offset, offset + len(keys)
        self.has_next = len(keys) > limit
        self.total = self.end if keys and not self.has_next else self._count(queryset, view)
        return list(queryset.filter(pk__in=keys[:limit]))

    def _count(self, queryset: QuerySet, view: APIView | None) -> int | None:
        counted = queryset.order_by()[: COUNTED_EXACTLY + 1].count()
        if counted <= COUNTED_EXACTLY:
            return counted
        known = getattr(view, "known_count", None)
        return known() if known else None

    def get_next_link(self) -> str | None:
        """The following page; LimitOffsetPagination would ask the count."""
        self.count = self.end
        return super().get_next_link()

    def get_paginated_response(self, data: Any) -> Response:
        """Wrap the features."""
        page = {"type": "FeatureCollection", "count": self.total}
        page |= {"next": self.get_next_link(), "previous": self.get_previous_link()}
        return Response({**page, "features": data["features"]})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The collection, as OpenAPI reads it."""
        page = super().get_paginated_response_schema(schema)
        properties = page["properties"]
        properties["count"] = {
            "type": ["integer", "null"],
            "description": "Exact up to 10,000; beyond that null unless it is known without counting.",
            "examples": [123],
        }
        collection = {"type": {"type": "string", "enum": ["FeatureCollection"]}, **properties}
        # drf-spectacular hands over the name of its own collection, which is that of a feature with "List".
        feature = {"$ref": collection.pop("results")["$ref"].removesuffix("List")}
        collection["features"] = {"type": "array", "items": feature}
        return {**page, "required": ["type", "count", "features"], "properties": collection}
