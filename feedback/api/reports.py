"""`/api/v1/reports/`."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import ReadOnlyModelViewSet

from bioccia.api.geography import GeoJSONRenderer, with_geojson
from bioccia.api.pages import FeaturePagination
from feedback import actions, queries
from feedback.api import serializers
from feedback.api.attachments import ReportFiles
from feedback.api.filters import ReportFilterSet
from feedback.api.moves import ReportMoves
from feedback.api.requests import ReportRequestSerializer
from feedback.models import Decision, Report, ReportMessage, ReportMove
from territories.api.rights import signed_in

HEAVY = ("commune__geometry", "commune__geometry_3857")
REPORT = OpenApiExample(
    "A wrong habitat",
    value={
        "client_uuid": "0b9c4c1e-4a0f-4c52-9b7e-0c1f5a8f6f10",
        "round": "2024-34-m1",
        "polygons": [{"id": 123, "version": 1}],
        "error_type": "attribute",
        "proposed": {"habitat": {"typology": "EUNIS2012", "code": "E1.2"}},
        "comment": "Grazed grassland, no tree for fifty years.",
        "observed_on": "2024-05-12",
        "evidence_type": "field_visit",
        "confidence": 3,
        "draft": False,
    },
    request_only=True,
)


@extend_schema_view(
    list=extend_schema(
        operation_id="listReports",
        summary="Reports",
        description=(
            "Those you wrote, drafts included, and those that a mandate on their place lets you read. "
            "`ec` is the status as Espace collaboratif clients know it."
        ),
        responses=serializers.ReportSummarySerializer(many=True),
    ),
    retrieve=extend_schema(operation_id="getReport", summary="One report, with its thread and its decision"),
)
class ReportViewSet(ReportMoves, ReportFiles, ReadOnlyModelViewSet):
    """Deny first: without an identity, no report."""

    queryset = Report.objects.none()
    serializer_class = serializers.ReportSerializer
    filterset_class = ReportFilterSet
    pagination_class = FeaturePagination
    renderer_classes = [GeoJSONRenderer, JSONRenderer]
    permission_classes = [IsAuthenticated]
    lookup_value_converter = "int"

    def get_serializer_class(self) -> type[Serializer]:
        """Lists leave the threads out."""
        return serializers.ReportSummarySerializer if self.action == "list" else self.serializer_class

    def get_queryset(self) -> QuerySet[Report]:
        """Theirs to read."""
        visible = queries.reports_visible_to(signed_in(self.request), timezone.localdate())
        found = _with_words(visible) if self.action == "list" else _with_thread(visible)
        return with_geojson(found.order_by("-pk"), self.request)

    def read_again(self, report: Report) -> Report:
        """After a move: even where the move closed it to the reader, its answer is theirs."""
        return with_geojson(_with_thread(Report.objects.filter(pk=report.pk)), self.request).get()

    @extend_schema(
        operation_id="createReport",
        summary="Contest polygons, or keep a draft",
        description=(
            "Sent: 201; the same identifier and body again: 200, and nothing is done twice; another body under the "
            "same identifier: 409. With `draft`, kept or kept again (200), and shown to nobody else."
        ),
        request=ReportRequestSerializer,
        responses={201: serializers.ReportSerializer, 200: serializers.ReportSerializer},
        examples=[REPORT],
        filters=False,
    )
    def create(self, request: Request) -> Response:
        """As the page's form does."""
        body = ReportRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        facts, by, at = body.facts(), signed_in(request), timezone.now()
        if body.validated_data["draft"]:
            known = Report.objects.filter(client_uuid=facts.client_uuid).exists()
            report, created = actions.save_draft(facts=facts, by=by, at=at), not known
        else:
            report, created = actions.submit_report(facts=facts, by=by, at=at)
        answer = self._shown(report)
        answer.status_code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return answer


def _with_words(reports: QuerySet[Report]) -> QuerySet[Report]:
    """With what a list shows, in a few questions whatever its length."""
    related = ("round", "author", "organisation", "commune", "proposed_type__typology", "release")
    return reports.select_related(*related).defer(*HEAVY).prefetch_related("polygons__type_seen__typology")


def _with_thread(reports: QuerySet[Report]) -> QuerySet[Report]:
    people: list[Any] = [
        Prefetch("messages", ReportMessage.objects.select_related("author")),
        Prefetch("moves", ReportMove.objects.select_related("by")),
        Prefetch("decisions", Decision.objects.select_related("to_type__typology")),
    ]
    return _with_words(reports).prefetch_related("attachments", *people)
