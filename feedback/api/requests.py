"""What programs send about reports."""

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from rest_framework import serializers

from feedback.actions import Proposal, ReportFacts
from feedback.api.outlines import OutlineField
from feedback.models import Round
from feedback.states import OUTCOMES, DecisionResult, ErrorType, EvidenceType, ReasonCode
from habitats.models import Correction, HabitatType

AXES = ("habitat",)
LARGEST_ID = 2**63 - 1
LARGEST_VERSION = 2**31 - 1
LONGEST_TEXT = 10_000
MOST_POLYGONS = 1000  # what a body may hold; the consultation's own limit is smaller


class TypeNameSerializer(serializers.Serializer):
    """A habitat is known by its typology and its code together."""

    typology = serializers.CharField(max_length=40, help_text="code of the typology")
    code = serializers.CharField(max_length=40)

    def validate(self, attrs: dict[str, Any]) -> Any:
        """Find it."""
        found = HabitatType.objects.filter(typology__code=attrs["typology"], code=attrs["code"]).first()
        if found is None:
            raise serializers.ValidationError(_("No habitat %(code)s in the typology %(typology)s.") % attrs)
        return found


class ProposedSerializer(serializers.Serializer):
    """What the place should be, by axis of the map."""

    habitat = TypeNameSerializer(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> Any:
        """Refuse the axes that this map has not, by name."""
        unknown = sorted(set(data) - set(AXES)) if isinstance(data, dict) else []
        if unknown:
            raise serializers.ValidationError(
                {name[:40]: _("This map has no such axis; its axis is “habitat”.") for name in map(str, unknown[:5])}
            )
        return super().to_internal_value(data)


class SeenPolygonSerializer(serializers.Serializer):
    """A polygon, and the version that was looked at."""

    id = serializers.IntegerField(min_value=1, max_value=LARGEST_ID)
    version = serializers.IntegerField(min_value=1, max_value=LARGEST_VERSION)


class SeenNumberSerializer(serializers.Serializer):
    """A polygon of the working vintage by its number, and the version that was looked at."""

    number = serializers.IntegerField(min_value=1, max_value=LARGEST_VERSION)
    version = serializers.IntegerField(min_value=1, max_value=LARGEST_VERSION)


class RoundField(serializers.CharField):
    """A round by its key or its id."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Find it, once its name is a name."""
        name = super().run_validation(data)
        asked = Q(key=name) | Q(pk=int(name)) if name.isascii() and name.isdigit() else Q(key=name)
        found = Round.objects.select_related("region").defer("region__footprint").filter(asked).first()
        if found is None:
            raise serializers.ValidationError(_("There is no round “%(round)s”.") % {"round": name})
        return found


class ReportRequestSerializer(serializers.Serializer):
    """One contestation. What a draft does not say yet is left out or null."""

    client_uuid = serializers.UUIDField(help_text="made by the client: sending again is safe")
    round = RoundField(max_length=60, help_text="key or id of the round")
    polygons = serializers.ListField(child=SeenPolygonSerializer(), required=False, max_length=MOST_POLYGONS)
    geometry = OutlineField(required=False, allow_null=True)
    error_type = serializers.ChoiceField(ErrorType.choices, required=False, allow_blank=True, default="")
    proposed = ProposedSerializer(required=False, allow_null=True)
    comment = serializers.CharField(required=False, allow_blank=True, default="", max_length=LONGEST_TEXT)
    observed_on = serializers.DateField(required=False, allow_null=True)
    evidence_type = serializers.ChoiceField(EvidenceType.choices, required=False, allow_blank=True, default="")
    confidence = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=3)
    declares_interest = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="whether the author's organisation has an interest there; asked where a stake would be lowered",
    )
    draft = serializers.BooleanField(required=False, default=False, help_text="true: kept for later, not sent")

    def facts(self) -> ReportFacts:
        """As the actions take them."""
        given = self.validated_data
        names = ("client_uuid", "round", "error_type", "comment", "evidence_type", "declares_interest")
        return ReportFacts(
            **{name: given[name] for name in names},
            polygons=tuple((seen["id"], seen["version"]) for seen in given.get("polygons") or ()),
            outline=given.get("geometry"),
            proposed_type=(given.get("proposed") or {}).get("habitat"),
            observed_on=given.get("observed_on"),
            confidence=given.get("confidence"),
        )


class SubmitSerializer(serializers.Serializer):
    """Sends a draft, or answers the desk's question."""

    answer = serializers.CharField(
        required=False, max_length=LONGEST_TEXT, help_text="needed where the desk asked a question"
    )


class QuestionSerializer(serializers.Serializer):
    """A question to the author."""

    question = serializers.CharField(max_length=LONGEST_TEXT)


class ProposalSerializer(serializers.Serializer):
    """A decision, to be signed."""

    outcome = serializers.ChoiceField([(outcome.value, outcome.label) for outcome in OUTCOMES])
    result = serializers.ChoiceField(DecisionResult.choices)
    reason_code = serializers.ChoiceField(ReasonCode.choices)
    reply = serializers.CharField(max_length=LONGEST_TEXT, help_text="what the author reads")
    habitat = TypeNameSerializer(required=False, allow_null=True, help_text="what the place becomes, where accepted")
    geometry = OutlineField(required=False, allow_null=True, help_text="corrected outline; else the whole polygons")
    polygons = serializers.ListField(
        child=SeenNumberSerializer(), required=False, max_length=MOST_POLYGONS, help_text="as the adjudicator saw them"
    )
    correction = serializers.PrimaryKeyRelatedField(
        queryset=Correction.objects.all(),
        required=False,
        allow_null=True,
        pk_field=serializers.IntegerField(min_value=1, max_value=LARGEST_ID),
        help_text="the one that already corrected the place, where already_fixed",
    )

    def proposal(self) -> Proposal:
        """As the action takes it."""
        given = self.validated_data
        return Proposal(
            **{name: given[name] for name in ("outcome", "result", "reason_code", "reply")},
            to_type=given.get("habitat"),
            outline=given.get("geometry"),
            seen=tuple((seen["number"], seen["version"]) for seen in given.get("polygons") or ()),
            correction=given.get("correction"),
        )


class SignatureSerializer(serializers.Serializer):
    """Agrees with the proposal, or sends it back with a reason."""

    agrees = serializers.BooleanField(required=False, default=True)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=LONGEST_TEXT)


class MasterSerializer(serializers.Serializer):
    """The report that this one joins."""

    master = serializers.IntegerField(min_value=1, max_value=LARGEST_ID, help_text="id of the other report")


class AppealSerializer(serializers.Serializer):
    """What the desk had not seen."""

    new_evidence = serializers.CharField(max_length=LONGEST_TEXT)


class RevertSerializer(serializers.Serializer):
    """Why the correction is undone."""

    reason = serializers.CharField(max_length=LONGEST_TEXT)


class UploadSerializer(serializers.Serializer):
    """One photograph or document."""

    file = serializers.FileField(allow_empty_file=True, help_text="JPEG, PNG, WebP or PDF, 16 MB at most")
