"""`/api/v1/taxa/` and `/api/v1/observations/`."""

from django.contrib.gis.db.models.functions import AsGeoJSON
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.renderers import JSONRenderer
from rest_framework.viewsets import ReadOnlyModelViewSet

from bioccia.api.geography import COORDINATE_DECIMALS, GeoJSONRenderer
from bioccia.api.pages import FeaturePagination
from species.api import filters, serializers
from species.models import Observation, Taxon
from species.queries import shown_observations


@extend_schema_view(
    list=extend_schema(
        operation_id="listTaxa", summary="Taxa", description="Names of reference lists, and cited ones."
    ),
    retrieve=extend_schema(operation_id="getTaxon", summary="One taxon"),
)
class TaxonViewSet(ReadOnlyModelViewSet):
    """Open to everybody."""

    queryset = Taxon.objects.order_by("scientific_name", "pk")
    serializer_class = serializers.TaxonSerializer
    filterset_class = filters.TaxonFilterSet
    lookup_value_converter = "int"


@extend_schema_view(
    list=extend_schema(
        operation_id="listObservations",
        summary="Observations of taxa",
        description=(
            "Each one as precisely as its sensitivity and its dataset's convention allow: `precision` says whether the "
            "point is exact, or stands for a commune, a 10 km cell or a department. Filters ask that place only."
        ),
    ),
    retrieve=extend_schema(operation_id="getObservation", summary="One observation"),
)
class ObservationViewSet(ReadOnlyModelViewSet):
    """Open to everybody, through the gate."""

    queryset = Observation.objects.none()
    serializer_class = serializers.ObservationSerializer
    filterset_class = filters.ObservationFilterSet
    pagination_class = FeaturePagination
    renderer_classes = [GeoJSONRenderer, JSONRenderer]
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Observation]:
        """What may be shown."""
        return (
            shown_observations()
            .select_related("taxon", "dataset", "commune")
            .defer("commune__geometry", "commune__geometry_3857")
            .annotate(geojson=AsGeoJSON("shown_geometry", precision=COORDINATE_DECIMALS))
        )
