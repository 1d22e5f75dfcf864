"""`/api/v1/territories/`."""

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.renderers import JSONRenderer
from rest_framework.viewsets import ReadOnlyModelViewSet

from bioccia.api.geography import GeoJSONRenderer, with_geojson
from bioccia.api.pages import FeaturePagination
from territories.api.filters import TerritoryFilterSet
from territories.api.serializers import TerritorySerializer
from territories.models import Territory

LIGHT = ["kind", "code", "name", "area_m2", "parent__kind", "parent__code", "epci__kind", "epci__code"]
TERRITORY_ID = OpenApiParameter(
    "id",
    str,
    OpenApiParameter.PATH,
    description="kind:code",
    examples=[OpenApiExample("A commune", value="commune:34172")],
)


@extend_schema_view(
    list=extend_schema(
        operation_id="listTerritories",
        summary="Territories",
        description="Regions, departments, intercommunalities and communes, by kind and code.",
    ),
    retrieve=extend_schema(operation_id="getTerritory", summary="One territory", parameters=[TERRITORY_ID]),
)
class TerritoryViewSet(ReadOnlyModelViewSet):
    """Open to everybody."""

    serializer_class = TerritorySerializer
    filterset_class = TerritoryFilterSet
    pagination_class = FeaturePagination
    renderer_classes = [GeoJSONRenderer, JSONRenderer]
    lookup_url_kwarg = "id"

    def get_queryset(self) -> QuerySet[Territory]:
        """With the names of the wider ones, without the heavy columns."""
        return with_geojson(Territory.objects.select_related("parent", "epci").only(*LIGHT), self.request)

    def get_object(self) -> Territory:
        """By kind and code."""
        kind, _separator, code = self.kwargs["id"].partition(":")
        if not code.isprintable():  # PostgreSQL refuses NUL with an error, not with an empty answer
            raise Http404
        return get_object_or_404(self.get_queryset(), kind=kind, code=code)

    def known_count(self) -> int:
        """Territories are few: counted, never guessed."""
        return self.filter_queryset(self.get_queryset()).order_by().count()
