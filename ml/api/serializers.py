"""Runs and model versions as programs read them, and what they send."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from ml.actions.runs import LARGEST_SEED
from ml.models import ModelVersion, Run, RunStep, TrainingSet
from ml.states import Mode


class RunStepSerializer(serializers.ModelSerializer):
    """One named step."""

    class Meta:
        model = RunStep
        fields = ["name", "state", "done", "total", "seconds", "cpu_seconds", "energy_wh"]


class RunSerializer(serializers.ModelSerializer):
    """One long job."""

    version = serializers.IntegerField(
        source="version.number", default=None, allow_null=True, help_text="number of the model version"
    )
    steps = RunStepSerializer(many=True)

    class Meta:
        model = Run
        fields = [
            "id",
            "kind",
            "year",
            "mode",
            "seed",
            "parameters",
            "state",
            "progress",
            "message",
            "attempt",
            "created_at",
            "started_at",
            "heartbeat_at",
            "stop_requested_at",
            "ended_at",
            "failure",
            "version",
            "result",
            "cpu_seconds",
            "energy_wh",
            "energy_method",
            "peak_rss_mb",
            "steps",
        ]
        read_only_fields = fields


class RunRequestSerializer(serializers.Serializer):
    """What starts a mapping year."""

    year = serializers.IntegerField(min_value=1, max_value=9999, help_text="one of the region's years with a stack")
    mode = serializers.ChoiceField(choices=Mode.choices, default=Mode.ACCURATE.value)
    seed = serializers.IntegerField(min_value=0, max_value=LARGEST_SEED, default=0, help_text="same seed, same map")
    decision = serializers.ChoiceField(
        choices=[("person", _("a person")), ("gate", _("the rule"))],
        default="person",
        help_text="who decides on the candidate: a person, or the rule that it is not worse than the current version",
    )

    def options(self) -> dict[str, Any]:
        """As `ml.actions.request_run` takes them."""
        fields = dict(self.validated_data)
        return {"parameters": {"decision": fields.pop("decision")}, **fields}


class TrainingSetSerializer(serializers.ModelSerializer):
    """The frozen samples a version learned from."""

    class Meta:
        model = TrainingSet
        fields = ["year", "sha256", "sample_count", "counts", "frozen_at"]


class ModelVersionSummarySerializer(serializers.ModelSerializer):
    """A model version in a list."""

    macro_f1 = serializers.FloatField(
        source="metrics.macro_f1", default=None, allow_null=True, help_text="on the selection blocks"
    )
    overall_accuracy = serializers.FloatField(source="metrics.overall_accuracy", default=None, allow_null=True)

    class Meta:
        model = ModelVersion
        fields = ["number", "year", "mode", "state", "macro_f1", "overall_accuracy", "created_at", "decided_at"]


class ModelVersionSerializer(serializers.ModelSerializer):
    """The card of a model version."""

    training_set = TrainingSetSerializer()
    sha256 = serializers.CharField(source="artefact.sha256", help_text="of the model's file")
    size_bytes = serializers.IntegerField(source="artefact.size_bytes")
    compared_with = serializers.IntegerField(source="compared_with.number", default=None, allow_null=True)

    class Meta:
        model = ModelVersion
        fields = [
            "number",
            "year",
            "mode",
            "seed",
            "state",
            "training_set",
            "sha256",
            "size_bytes",
            "code_version",
            "parameters",
            "metrics",
            "comparison",
            "compared_with",
            "train_seconds",
            "train_cpu_seconds",
            "energy_wh",
            "energy_method",
            "created_at",
            "decided_at",
            "reason",
        ]
        read_only_fields = fields


class DecisionSerializer(serializers.Serializer):
    """Why a candidate is approved or rejected."""

    reason = serializers.CharField(max_length=2000, help_text="a sentence; it stays on the version's card")
