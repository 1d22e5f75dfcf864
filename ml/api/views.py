"""`/api/v1/runs/` and `/api/v1/model-versions/`."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from ml import actions, queries, tasks
from ml.api import filters, serializers
from ml.models import ModelVersion, Run
from ml.states import RunKind, RunState
from territories.api.rights import HoldsARight, signed_in
from territories.models import Region

START = OpenApiExample("A frugal year", value={"year": 2024, "mode": "frugal", "seed": 1}, request_only=True)
REASON = OpenApiExample("A reason", value={"reason": "Better on wetlands."}, request_only=True)


@extend_schema_view(
    list=extend_schema(
        operation_id="listRuns",
        summary="Runs",
        description="For people with a mandate on runs or on working vintages; latest first.",
    ),
    retrieve=extend_schema(operation_id="getRun", summary="One run, with its steps and its progress"),
)
class RunViewSet(ReadOnlyModelViewSet):
    """Deny first: a visitor has no run to see here."""

    queryset = Run.objects.none()
    serializer_class = serializers.RunSerializer
    filterset_class = filters.RunFilterSet
    lookup_value_converter = "int"
    rights_to_see = ["run_models", "stop_runs", "see_working_vintage"]

    def get_permissions(self) -> list[Any]:
        """Reading asks for a mandate here; every write asks for its own in `ml.actions`."""
        return [HoldsARight()] if self.request.method in ("GET", "HEAD", "OPTIONS") else [IsAuthenticated()]

    def get_queryset(self) -> QuerySet[Run]:
        """Theirs to see."""
        runs = queries.runs_visible_to(self.request.user, timezone.localdate())
        return runs.prefetch_related("steps").order_by("-created_at", "-pk")

    @extend_schema(
        operation_id="startRun",
        summary="Start a mapping year",
        description="Makes the row of the run at once; a worker plays it. One open run per region.",
        request=serializers.RunRequestSerializer,
        responses={201: serializers.RunSerializer},
        examples=[START],
    )
    def create(self, request: Request) -> Response:
        """As the page's form does."""
        asked = serializers.RunRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        region = get_object_or_404(Region)
        run = actions.request_run(
            region=region, kind=RunKind.YEAR, by=signed_in(request), at=timezone.now(), **asked.options()
        )
        tasks.ring(run)
        return Response(self.get_serializer(run).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="stopRun",
        summary="Stop a run",
        description="At once where nobody works on it, at its next window where somebody does.",
        request=None,
        responses=serializers.RunSerializer,
    )
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: int) -> Response:
        """What it finished is kept."""
        run = actions.request_stop(run=get_object_or_404(Run, pk=pk), by=signed_in(request), at=timezone.now())
        return Response(self.get_serializer(run).data)

    @extend_schema(
        operation_id="restartRun",
        summary="Start a failed or stopped run again",
        description="The steps it had finished are not done again.",
        request=None,
        responses=serializers.RunSerializer,
    )
    @action(detail=True, methods=["post"])
    def restart(self, request: Request, pk: int) -> Response:
        """Back to the queue."""
        run = actions.requeue_run(run=get_object_or_404(Run, pk=pk), by=signed_in(request), at=timezone.now())
        tasks.ring(run)
        return Response(self.get_serializer(run).data)


@extend_schema_view(
    list=extend_schema(
        operation_id="listModelVersions",
        summary="Model versions",
        description="Approved versions are public; candidates and rejected ones answer to people with a mandate.",
        responses=serializers.ModelVersionSummarySerializer(many=True),
    ),
    retrieve=extend_schema(
        operation_id="getModelVersion", summary="The card of a model version: data, scores, comparison, energy"
    ),
)
class ModelVersionViewSet(ReadOnlyModelViewSet):
    """Known by their number."""

    queryset = ModelVersion.objects.none()
    serializer_class = serializers.ModelVersionSerializer
    filterset_class = filters.ModelVersionFilterSet
    permission_classes = [IsAuthenticatedOrReadOnly]
    lookup_field = "number"
    lookup_value_converter = "int"

    def get_serializer_class(self) -> type:
        """Lists leave the confusion matrices out."""
        return serializers.ModelVersionSummarySerializer if self.action == "list" else self.serializer_class

    def get_queryset(self) -> QuerySet[ModelVersion]:
        """Theirs to see."""
        return queries.versions_visible_to(self.request.user, timezone.localdate()).order_by("-number")

    @extend_schema(
        operation_id="approveModelVersion",
        summary="Approve a candidate",
        description="It may map from now on; the run that waited for it goes on.",
        request=serializers.DecisionSerializer,
        responses=serializers.ModelVersionSerializer,
        examples=[REASON],
    )
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, number: int) -> Response:
        """With a reason."""
        return self._decide(request, number, actions.approve_version)

    @extend_schema(
        operation_id="rejectModelVersion",
        summary="Reject a candidate",
        description="The run that waited for it ends.",
        request=serializers.DecisionSerializer,
        responses=serializers.ModelVersionSerializer,
        examples=[REASON],
    )
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, number: int) -> Response:
        """With a reason."""
        return self._decide(request, number, actions.reject_version)

    def _decide(self, request: Request, number: int, decide: Callable[..., ModelVersion]) -> Response:
        asked = serializers.DecisionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        version = get_object_or_404(self.get_queryset(), number=number)
        decided = decide(
            version=version, by=signed_in(request), reason=asked.validated_data["reason"], at=timezone.now()
        )
        for run in decided.runs.filter(state=RunState.QUEUED):
            tasks.ring(run)
        return Response(self.get_serializer(decided).data)
