"""Taxa and observations as programs read them."""

from rest_framework import serializers
from rest_framework_gis.serializers import GeoFeatureModelSerializer

from bioccia.api.geography import GeoJSONField
from species.models import Observation, Taxon
from species.states import Precision

PRECISIONS = {
    Precision.EXACT: "exact",
    Precision.COMMUNE: "commune",
    Precision.CELL: "cell_10km",
    Precision.DEPARTMENT: "department",
}


class TaxonSerializer(serializers.ModelSerializer):
    """One scientific name."""

    accepted = serializers.IntegerField(
        source="accepted_id", allow_null=True, help_text="id of the accepted name; null for an accepted name"
    )

    class Meta:
        model = Taxon
        fields = [
            "id",
            "source",
            "source_id",
            "cd_nom",
            "accepted",
            "scientific_name",
            "authorship",
            "vernacular_fr",
            "vernacular_en",
            "rank",
            "family",
            "group",
        ]
        read_only_fields = fields


class ObservationSerializer(GeoFeatureModelSerializer):
    """One observation, as precisely as it may be shown: `precision` says what the point stands for."""

    taxon_id = serializers.IntegerField()
    scientific_name = serializers.CharField(source="taxon.scientific_name")
    dataset = serializers.CharField(source="dataset.name")
    licence = serializers.CharField(source="dataset.licence")
    precision = serializers.SerializerMethodField(help_text="exact, commune, cell_10km or department")
    commune = serializers.SerializerMethodField(help_text="code of the commune; null where it may not be named")
    uncertainty_m = serializers.SerializerMethodField(help_text="metres; null where the position is not exact")
    observers = serializers.SerializerMethodField(help_text="empty where the position is not exact")
    geometry = GeoJSONField(read_only=True)

    class Meta:
        model = Observation
        geo_field = "geometry"
        fields = [
            "id",
            "taxon_id",
            "scientific_name",
            "cited_name",
            "observed_from",
            "observed_to",
            "count",
            "uncertainty_m",
            "observers",
            "dataset",
            "licence",
            "precision",
            "commune",
        ]

    def get_precision(self, observation: Observation) -> str:
        """What the point stands for."""
        return PRECISIONS[Precision(observation.shown_precision)]

    def get_commune(self, observation: Observation) -> str | None:
        """Only where it may be named."""
        may_be_named = observation.shown_precision <= Precision.COMMUNE and observation.commune is not None
        return observation.commune.code if may_be_named and observation.commune else None

    def get_uncertainty_m(self, observation: Observation) -> float | None:
        """Of the position itself: it says nothing of a point that stands for a wider place."""
        return observation.uncertainty_m if observation.shown_precision == Precision.EXACT else None

    def get_observers(self, observation: Observation) -> str:
        """Who was where that day narrows a blurred place."""
        return observation.observers if observation.shown_precision == Precision.EXACT else ""
