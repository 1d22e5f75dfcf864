"""`/api/v1/releases/`."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from bioccia.api.filters import WholeNumberFilter
from feedback.models import Release, ReleaseFile
from feedback.queries.releases import releases_for_lists
from feedback.states import ReleaseState


class ReleaseFileSerializer(serializers.ModelSerializer):
    """One file to download."""

    url = serializers.SerializerMethodField()

    class Meta:
        model = ReleaseFile
        fields = ["name", "url", "size_bytes", "sha256", "media_type"]

    @extend_schema_field(OpenApiTypes.URI)
    def get_url(self, row: ReleaseFile) -> str:
        """Where it is downloaded; ranges of bytes are answered."""
        release = row.release
        address = reverse("feedback:release-file", args=[release.year, release.number, row.name])
        request = self.context.get("request")
        return str(request.build_absolute_uri(address)) if request else address


class ReleaseSerializer(serializers.ModelSerializer):
    """One release; a withdrawn one says why and gives no file."""

    name = serializers.SerializerMethodField(help_text="YEAR.N")
    licence = serializers.SerializerMethodField()
    polygons = serializers.SerializerMethodField()
    overall_accuracy = serializers.SerializerMethodField(
        help_text="by the audit sample: estimate, low_95, high_95; null where it was not measured"
    )
    signed_by = serializers.SerializerMethodField(help_text="the services of the two signers")
    files = serializers.SerializerMethodField()

    class Meta:
        model = Release
        fields = [
            "id",
            "name",
            "year",
            "number",
            "state",
            "vintage",
            "licence",
            "polygons",
            "overall_accuracy",
            "dossier_sha256",
            "content_sha256",
            "signed_by",
            "published_at",
            "ended_at",
            "ended_reason",
            "files",
        ]

    def get_name(self, row: Release) -> str:
        """As people cite it."""
        return str(row)

    def get_licence(self, row: Release) -> str:
        """The one it carries."""
        return str(row.dossier.get("licence", ""))

    def get_polygons(self, row: Release) -> int:
        """How many it holds."""
        return int(row.dossier.get("map", {}).get("polygons", 0))

    def get_overall_accuracy(self, row: Release) -> dict[str, float] | None:
        """With its 95 % interval."""
        assessment = row.dossier.get("audit", {}).get("assessment") or {}
        figures = assessment.get("overall_accuracy")
        return figures and {name: figures[name] for name in ("estimate", "low_95", "high_95")}

    def get_signed_by(self, row: Release) -> list[str]:
        """Services, not people."""
        return [signature.organisation.name for signature in row.signatures.all()]

    @extend_schema_field(ReleaseFileSerializer(many=True))
    def get_files(self, row: Release) -> list[dict[str, Any]]:
        """None where the release was withdrawn."""
        files = [] if row.state == ReleaseState.WITHDRAWN else row.files.all()
        return list(ReleaseFileSerializer(files, many=True, context=self.context).data)


class ReleaseFilterSet(django_filters.FilterSet):
    """By year and by state."""

    year = WholeNumberFilter(label=_("year of the map"))
    state = django_filters.ChoiceFilter(
        label=_("where it stands"),
        choices=[
            (state.value, state.label)
            for state in (ReleaseState.PUBLISHED, ReleaseState.SUPERSEDED, ReleaseState.WITHDRAWN)
        ],
    )

    class Meta:
        model = Release
        fields = ["year", "state"]


@extend_schema_view(
    list=extend_schema(
        operation_id="listReleases",
        summary="Releases",
        description=(
            "The published maps, the latest first, with their files. Superseded and withdrawn ones stay listed. "
            "Open to everybody; dossiers under way are not part of an answer."
        ),
    ),
    retrieve=extend_schema(operation_id="getRelease", summary="One release"),
)
class ReleaseViewSet(ReadOnlyModelViewSet):
    """Open to everybody."""

    queryset = Release.objects.none()
    serializer_class = ReleaseSerializer
    filterset_class = ReleaseFilterSet
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Release]:
        """Those published once."""
        public = releases_for_lists().public().order_by("-year", "-number")
        return public.prefetch_related("files__release", "signatures__organisation")
