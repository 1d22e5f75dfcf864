"""Rounds and reports as programs read them."""

from typing import Any, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse
from rest_framework_gis.serializers import GeoFeatureModelSerializer

from bioccia.api.geography import GeoJSONField
from feedback.models import Attachment, Decision, Report, ReportMessage, ReportMove, ReportPolygon, Round
from feedback.permissions import may_decide
from feedback.queries.effects import is_internal, shown_person
from feedback.states import EC_STATUS, ReportState
from habitats.api.serializers import HabitatRefSerializer
from territories.models import Territory, User


def name_of(person: User | None) -> str:
    """The name of a person; an address is nobody's business, and stays out where a name is missing."""
    return person.full_name if person else ""


def key_of(territory: Territory | None) -> str | None:
    """As the filters take it."""
    return f"{territory.kind}:{territory.code}" if territory else None


class RoundSerializer(serializers.ModelSerializer):
    """One round of contestation."""

    territory = serializers.SerializerMethodField(help_text="kind:code")
    territory_name = serializers.CharField(source="territory.name")
    receives = serializers.SerializerMethodField(help_text="whether a report may be sent now")

    class Meta:
        model = Round
        fields = [
            "id",
            "key",
            "year",
            "name",
            "territory",
            "territory_name",
            "state",
            "opens_at",
            "closes_at",
            "grace_ends_at",
            "receives",
        ]

    def get_territory(self, row: Round) -> str:
        """As the filters take it."""
        return cast(str, key_of(row.territory))

    def get_receives(self, row: Round) -> bool:
        """Open, or in grace."""
        return row.receives(timezone.now())


class ProposedAxesSerializer(serializers.Serializer):
    """What the author proposes, by axis."""

    habitat = HabitatRefSerializer(source="proposed_type", allow_null=True)


class ReportPolygonSerializer(serializers.ModelSerializer):
    """A polygon as the author saw it."""

    id = serializers.IntegerField(source="polygon_id", allow_null=True, help_text="null once the polygon is gone")
    version = serializers.IntegerField(source="version_seen", help_text="the version seen")
    habitat = HabitatRefSerializer(source="type_seen")

    class Meta:
        model = ReportPolygon
        fields = ["id", "number", "version", "habitat", "area_m2"]


class AttachmentSerializer(serializers.ModelSerializer):
    """A photograph or a document."""

    name = serializers.CharField(source="shown_name")
    url = serializers.SerializerMethodField(help_text="asks for the same identity")

    class Meta:
        model = Attachment
        fields = ["id", "name", "media_type", "size_bytes", "width", "height", "had_position", "added_at", "url"]

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, attachment: Attachment) -> str:
        """Its content."""
        names = {"pk": attachment.report_id, "attachment": attachment.pk}
        return reverse("report-attachment", kwargs=names, request=self.context.get("request"))


class MessageSerializer(serializers.ModelSerializer):
    """A message of the thread."""

    author = serializers.SerializerMethodField(help_text="a name; empty for the author of the report: the desk")

    class Meta:
        model = ReportMessage
        fields = ["kind", "author", "text", "written_at"]

    def get_author(self, message: ReportMessage) -> str:
        """A name, no address."""
        return name_of(shown_person(message.author, message.report, for_desk=self.context["for_desk"]))


class MoveSerializer(serializers.ModelSerializer):
    """A move of the log."""

    by = serializers.SerializerMethodField(
        help_text="a name; empty: the clock, a publication or, for the author of the report, the desk"
    )

    class Meta:
        model = ReportMove
        fields = ["move", "from_state", "to_state", "by", "at"]

    def get_by(self, move: ReportMove) -> str:
        """A name, no address."""
        return name_of(shown_person(move.by, move.report, for_desk=self.context["for_desk"]))


class ReportDecisionSerializer(serializers.ModelSerializer):
    """What was decided, and why."""

    habitat = HabitatRefSerializer(source="to_type", allow_null=True)
    polygons = serializers.JSONField(source="seen", help_text="as the adjudicator saw them")

    class Meta:
        model = Decision
        fields = [
            "outcome",
            "result",
            "reason_code",
            "reply",
            "habitat",
            "polygons",
            "second_signature",
            "correction",
            "in_appeal",
            "proposed_at",
            "signed_at",
        ]


class ReportSummarySerializer(GeoFeatureModelSerializer):
    """A report in a list."""

    round = serializers.CharField(source="round.key", help_text="key of the round")
    ec = serializers.SerializerMethodField(
        help_text="the status as Espace collaboratif clients know it; empty: a draft"
    )
    author = serializers.SerializerMethodField(help_text="a name")
    organisation = serializers.CharField(source="organisation.name", default="")
    commune = serializers.SerializerMethodField(help_text="kind:code")
    proposed = ProposedAxesSerializer(source="*")
    polygons = ReportPolygonSerializer(many=True)
    release = serializers.SerializerMethodField(help_text="the release that carries it, YEAR.N")
    geometry = GeoJSONField(read_only=True)

    class Meta:
        model = Report
        geo_field = "geometry"
        fields = [
            "id",
            "client_uuid",
            "round",
            "state",
            "ec",
            "author",
            "organisation",
            "commune",
            "error_type",
            "proposed",
            "polygons",
            "comment",
            "observed_on",
            "evidence_type",
            "confidence",
            "declares_interest",
            "is_drawn",
            "area_m2",
            "created_at",
            "submitted_at",
            "updated_at",
            "closed_at",
            "due_on",
            "master",
            "release",
            "geometry",
        ]

    def get_ec(self, report: Report) -> str:
        """One table for all."""
        return EC_STATUS[ReportState(report.state)]

    def get_author(self, report: Report) -> str:
        """A name, no address."""
        return name_of(report.author)

    def get_commune(self, report: Report) -> str | None:
        """As the filters take it."""
        return key_of(report.commune)

    def get_release(self, report: Report) -> str | None:
        """Its number."""
        return str(report.release) if report.release else None


class ReportSerializer(ReportSummarySerializer):
    """A report, with all that was said and done about it."""

    attachments = AttachmentSerializer(many=True)
    messages = serializers.SerializerMethodField()
    moves = serializers.SerializerMethodField(help_text="what the desk did within itself is for the desk alone")
    decision = serializers.SerializerMethodField(help_text="the last one that was signed")
    proposal = serializers.SerializerMethodField(help_text="the one that waits for a signature; the desk alone sees it")

    class Meta(ReportSummarySerializer.Meta):
        fields = [
            *ReportSummarySerializer.Meta.fields,
            "attachments",
            "messages",
            "moves",
            "decision",
            "proposal",
        ]

    @extend_schema_field(MessageSerializer(many=True))
    def get_messages(self, report: Report) -> Any:
        """As the page of the reader shows them."""
        context = {"for_desk": self._is_for_desk(report)}
        return MessageSerializer(report.messages.all(), many=True, context=context).data

    @extend_schema_field(MoveSerializer(many=True))
    def get_moves(self, report: Report) -> Any:
        """As the page of the reader shows them."""
        for_desk = self._is_for_desk(report)
        moves = [move for move in report.moves.all() if for_desk or not is_internal(move)]
        return MoveSerializer(moves, many=True, context={"for_desk": for_desk}).data

    def _is_for_desk(self, report: Report) -> bool:
        """Only the author and the desk read a report."""
        return bool(self.context["request"].user.pk != report.author_id)

    @extend_schema_field(ReportDecisionSerializer(allow_null=True))
    def get_decision(self, report: Report) -> Any:
        """What the author was told."""
        signed = [decision for decision in report.decisions.all() if decision.signed_at]
        return ReportDecisionSerializer(signed[-1]).data if signed else None

    @extend_schema_field(ReportDecisionSerializer(allow_null=True))
    def get_proposal(self, report: Report) -> Any:
        """What a second person is asked to sign."""
        waiting = [decision for decision in report.decisions.all() if not (decision.signed_at or decision.sent_back_at)]
        person = self.context["request"].user
        if not waiting or not may_decide(person, report, on=timezone.localdate()):
            return None
        return ReportDecisionSerializer(waiting[-1]).data
