"""`/api/v1/habitat-types/`, `/samples/`, `/vintages/` and `/polygons/`."""

from typing import cast

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet, Sum
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from bioccia.api.geography import GeoJSONRenderer, with_geojson
from bioccia.api.pages import FeaturePagination
from habitats import queries
from habitats.api import filters, serializers
from habitats.models import HabitatType, Polygon, Sample, Vintage
from territories.api.filters import TerritoryField
from territories.api.rights import HoldsARight
from territories.models import Territory

TERRITORY = OpenApiParameter("territory", str, required=True, description="kind:code, or a code alone")


@extend_schema_view(
    list=extend_schema(
        operation_id="listHabitatTypes",
        summary="Habitat types",
        description="Typologies live side by side: a habitat is known by its typology and its code together.",
    ),
    retrieve=extend_schema(operation_id="getHabitatType", summary="One habitat type"),
)
class HabitatTypeViewSet(ReadOnlyModelViewSet):
    """Open to everybody."""

    queryset = HabitatType.objects.select_related("typology", "parent", "legend_entry").order_by("typology__code", "pk")
    serializer_class = serializers.HabitatTypeSerializer
    filterset_class = filters.HabitatTypeFilterSet
    lookup_value_converter = "int"


@extend_schema_view(
    list=extend_schema(
        operation_id="listSamples",
        summary="Reference samples",
        description=(
            "Samples in service on the territories where a mandate lets you see them. "
            "The audit sample is sealed: it is never part of an answer."
        ),
    ),
    retrieve=extend_schema(operation_id="getSample", summary="One reference sample"),
)
class SampleViewSet(ReadOnlyModelViewSet):
    """For people whose mandate says so, on its territory."""

    queryset = Sample.objects.none()
    serializer_class = serializers.SampleSerializer
    filterset_class = filters.SampleFilterSet
    pagination_class = FeaturePagination
    renderer_classes = [GeoJSONRenderer, JSONRenderer]
    permission_classes = [HoldsARight]
    rights_to_see = ["see_samples"]
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Sample]:
        """Theirs to see."""
        samples = queries.samples_visible_to(self.request.user, on=timezone.localdate())
        return with_geojson(samples.select_related("habitat_type__typology"), self.request)


@extend_schema_view(
    list=extend_schema(
        operation_id="listVintages",
        summary="Vintages",
        description="Published vintages are public; working ones answer to people with a mandate.",
    ),
    retrieve=extend_schema(operation_id="getVintage", summary="One vintage"),
)
class VintageViewSet(ReadOnlyModelViewSet):
    """Published ones for all."""

    queryset = Vintage.objects.none()
    serializer_class = serializers.VintageSerializer
    filterset_class = filters.VintageFilterSet
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Vintage]:
        """Theirs to see."""
        return queries.vintages_visible_to(self.request.user, on=timezone.localdate())

    @extend_schema(
        operation_id="listVintageAreas",
        summary="Areas by habitat in a territory",
        description="Counted on the class raster, largest first.",
        parameters=[TERRITORY],
        responses=serializers.AreaSerializer(many=True),
        filters=False,
    )
    @action(detail=True, pagination_class=None, filterset_class=None)
    def areas(self, request: Request, pk: int) -> Response:  # noqa: ARG002 - DRF passes it
        """The table twin of the map, for programs."""
        territory = _territory_asked(request)
        found = queries.territory_areas(self.get_object(), territory).select_related("habitat_type__typology")
        return Response(serializers.AreaSerializer(found, many=True).data)


def _territory_asked(request: Request) -> Territory:
    try:
        return cast(Territory, TerritoryField().clean(request.query_params.get("territory")))  # required: never None
    except DjangoValidationError as error:
        raise ValidationError({"territory": error.messages}) from error


@extend_schema_view(
    list=extend_schema(
        operation_id="listPolygons",
        summary="Polygons",
        description=(
            "Polygons of the vintages you may see, by vintage and number. Name a `vintage`: several years cover the "
            "same ground. `count` is exact up to 10,000, and for whole vintages."
        ),
    ),
    retrieve=extend_schema(operation_id="getPolygon", summary="One polygon"),
)
class PolygonViewSet(ReadOnlyModelViewSet):
    """Those of the vintages the person may see."""

    queryset = Polygon.objects.none()
    serializer_class = serializers.PolygonSerializer
    filterset_class = filters.PolygonFilterSet
    pagination_class = FeaturePagination
    renderer_classes = [GeoJSONRenderer, JSONRenderer]
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Polygon]:
        """Theirs to see."""
        polygons = Polygon.objects.for_lists().filter(vintage__in=self._vintages()).order_by("vintage_id", "number")
        related = [f"{name}__typology" for name in ("habitat_type", "runner_up_1", "runner_up_2")]
        return with_geojson(polygons.select_related(*related), self.request)

    def known_count(self) -> int | None:
        """Whole vintages know how many polygons they have."""
        asked = self.filterset_class(self.request.query_params, queryset=Polygon.objects.none()).form
        given = {name: value for name, value in asked.cleaned_data.items() if value} if asked.is_valid() else {}
        if given.keys() - {"vintage", "year", "geometry"}:
            return None
        vintages = Vintage.objects.filter(pk__in=self._vintages())
        vintages = vintages.filter(pk=given["vintage"]) if "vintage" in given else vintages
        vintages = vintages.filter(year=given["year"]) if "year" in given else vintages
        return vintages.aggregate(total=Sum("polygon_count"))["total"]

    def _vintages(self) -> list[int]:
        visible = queries.vintages_visible_to(self.request.user, on=timezone.localdate())
        return list(visible.values_list("pk", flat=True))
