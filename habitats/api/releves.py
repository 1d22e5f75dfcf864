"""`/api/v1/releves/`."""

from typing import Any

import django_filters
from django.contrib.gis.db.models.functions import AsGeoJSON
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.viewsets import ReadOnlyModelViewSet
from rest_framework_gis.serializers import GeoFeatureModelSerializer

from bioccia.api.filters import CodesFilter, WholeNumberFilter
from bioccia.api.geography import COORDINATE_DECIMALS, BboxFilter, GeoJSONField, GeoJSONRenderer, GeometryChoiceFilter
from bioccia.api.pages import FeaturePagination
from habitats import queries
from habitats.api.serializers import HabitatRefSerializer
from habitats.models import Determination, Releve
from habitats.states import ReleveLevel, ReleveState
from territories.api.filters import TerritoryFilter


class DeterminationSerializer(serializers.ModelSerializer):
    """A habitat as cited, and what it is in the legend."""

    habitat = HabitatRefSerializer(source="resolved_type", allow_null=True, help_text="null until it is confirmed")

    class Meta:
        model = Determination
        fields = ["cited_typology", "cited_code", "cited_name", "cover_pct", "resolution", "habitat"]


class ReleveSerializer(GeoFeatureModelSerializer):
    """One relevé; `is_exact` says whether its point is, else it stands for a commune, a cell or a department."""

    geometry = GeoJSONField(read_only=True)
    dataset = serializers.CharField(source="dataset.name")
    organisation = serializers.CharField(source="organisation.name", default=None, allow_null=True)
    is_exact = serializers.BooleanField(help_text="whether the place is the exact one")
    comment = serializers.SerializerMethodField(help_text="empty where the place is not shown exactly")
    determinations = DeterminationSerializer(many=True)

    class Meta:
        model = Releve
        geo_field = "geometry"
        fields = [
            "id",
            "uuid",
            "dataset",
            "external_id",
            "organisation",
            "observed_on",
            "date_precision",
            "observers",
            "area_m2",
            "method",
            "comment",
            "sensitivity",
            "shown_precision",
            "is_exact",
            "state",
            "level",
            "is_stale",
            "submitted_at",
            "determinations",
            "geometry",
        ]

    def get_comment(self, releve: Any) -> str:
        """Comments often say where."""
        return str(releve.comment) if releve.is_exact else ""


class ReleveFilterSet(django_filters.FilterSet):
    """Filters of `/releves/`; places are asked as precisely as they are shown."""

    year = WholeNumberFilter("observed_on__year", label=_("year of the observation"), max_value=9999)
    state = django_filters.ChoiceFilter(choices=ReleveState.choices, label=_("draft or submitted"))
    level = django_filters.ChoiceFilter(choices=ReleveLevel.choices, label=_("validation level of the SINP"))
    stale = django_filters.BooleanFilter("is_stale", label=_("changed since it was judged"))
    dataset = django_filters.CharFilter("dataset__name", label=_("name of the dataset"))
    habitat = CodesFilter("determinations__resolved_type__code", distinct=True)
    territory = TerritoryFilter("place")
    bbox = BboxFilter("place")
    geometry = GeometryChoiceFilter()

    class Meta:
        model = Releve
        fields: list[str] = []


@extend_schema_view(
    list=extend_schema(
        operation_id="listReleves",
        summary="Relevés",
        description=(
            "Your own, those of your organisation, and submitted ones that your mandates let you see; places as "
            "precisely as sensitivity, the dataset's convention and your mandate allow."
        ),
    ),
    retrieve=extend_schema(operation_id="getReleve", summary="One relevé"),
)
class ReleveViewSet(ReadOnlyModelViewSet):
    """Theirs to see, through the gate."""

    queryset = Releve.objects.none()
    serializer_class = ReleveSerializer
    filterset_class = ReleveFilterSet
    pagination_class = FeaturePagination
    renderer_classes = [GeoJSONRenderer, JSONRenderer]
    permission_classes = [IsAuthenticated]
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Releve]:
        """Theirs to see."""
        visible = queries.releves_visible_to(self.request.user, on=timezone.localdate()).order_by("pk")
        releves = visible.prefetch_related("determinations__resolved_type__typology").defer("geometry")
        if self.request.query_params.get("geometry") == "none":
            return releves
        return releves.annotate(geojson=AsGeoJSON(F("place"), precision=COORDINATE_DECIMALS))
