"""`/api/v1/rounds/`."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.viewsets import ReadOnlyModelViewSet

from feedback.api.filters import RoundFilterSet
from feedback.api.serializers import RoundSerializer
from feedback.models import Round

HEAVY = ("territory__geometry", "territory__geometry_3857")


@extend_schema_view(
    list=extend_schema(
        operation_id="listRounds",
        summary="Rounds",
        description="When and where the map of a year may be contested; latest first. Open to everybody.",
    ),
    retrieve=extend_schema(operation_id="getRound", summary="One round"),
)
class RoundViewSet(ReadOnlyModelViewSet):
    """Open to everybody."""

    queryset = Round.objects.select_related("territory").defer(*HEAVY).order_by("-opens_at", "key")
    serializer_class = RoundSerializer
    filterset_class = RoundFilterSet
    lookup_value_converter = "int"
