"""Administration of the consultation: what happened is read here; only actions write."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from bioccia.admin import ReadOnlyAdmin, ReadOnlyInline, drawing_of
from feedback.models import Decision, Report, ReportMessage, ReportMove, ReportPolygon, Round
from feedback.states import ReportState

OUTLINES_OF_PLACES = (
    "geometry",
    "commune__geometry",
    "commune__geometry_3857",
    "round__territory__geometry",
    "round__territory__geometry_3857",
)


@admin.register(Round)
class RoundAdmin(ReadOnlyAdmin):
    """Rounds; their page plans, opens and closes them."""

    list_display = ("key", "name", "year", "territory", "state", "opens_at", "closes_at", "grace_ends_at")
    list_filter = ("state", "year")
    search_fields = ("key", "name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Round]:
        """Without the outlines of the territories."""
        rounds = super().get_queryset(request).select_related("territory")
        return rounds.defer("territory__geometry", "territory__geometry_3857")


class PolygonInline(ReadOnlyInline):
    """The polygons that the author chose, as they saw them."""

    model = ReportPolygon
    fields = ("number", "version_seen", "type_seen", "area_m2", "relinked_at")


class MoveInline(ReadOnlyInline):
    """Each move of the report."""

    model = ReportMove
    fields = ("at", "move", "from_state", "to_state", "by", "reason")


class MessageInline(ReadOnlyInline):
    """Its thread."""

    model = ReportMessage
    fields = ("written_at", "kind", "author", "text")


class DecisionInline(ReadOnlyInline):
    """What was proposed and signed."""

    model = Decision
    fields = ("outcome", "result", "reason_code", "proposed_by", "signed_by", "signed_at", "sent_back_at", "in_appeal")


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    """Reports with their whole history."""

    list_display = ("id", "state", "round", "commune", "author", "stake", "submitted_at", "due_on")
    list_filter = ("state", "stake", "round__year", "error_type")
    search_fields = ("=id", "=client_uuid", "author__email", "commune__name__unaccent")
    readonly_fields = ("place",)
    exclude = ("geometry", "near")
    inlines = (PolygonInline, MoveInline, MessageInline, DecisionInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        """Without outlines; a draft is its author's alone."""
        reports = super().get_queryset(request).exclude(state=ReportState.DRAFT)
        return reports.select_related("round__territory", "commune", "author").defer(*OUTLINES_OF_PLACES)

    @admin.display(description=_("contested place"))
    def place(self, report: Report) -> SafeString | str:
        """The outline, drawn."""
        return drawing_of(report.geometry)
