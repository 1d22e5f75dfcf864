"""Habitats, samples, vintages and polygons as programs read them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework_gis.serializers import GeoFeatureModelSerializer

from bioccia.api.geography import GeoJSONField
from habitats.models import HabitatType, LegendEntry, Polygon, Sample, TerritoryStatistic, Vintage
from habitats.tiles import address_of_tiles


class HabitatRefSerializer(serializers.ModelSerializer):
    """A habitat named inside another answer: never by its code alone."""

    typology = serializers.CharField(source="typology.code", help_text="code of the typology")
    label = serializers.CharField(help_text="in the language asked for")  # type: ignore[assignment] # fields have one

    class Meta:
        model = HabitatType
        fields = ["typology", "code", "label"]


class LegendSerializer(serializers.ModelSerializer):
    """How the region draws a habitat, and what is at stake."""

    class Meta:
        model = LegendEntry
        fields = ["position", "color", "stake"]


class HabitatTypeSerializer(serializers.ModelSerializer):
    """One habitat of one typology."""

    typology = serializers.CharField(source="typology.code", help_text="code of the typology")
    parent = serializers.CharField(  # type: ignore[assignment] # fields have one
        source="parent.code", default=None, allow_null=True, help_text="code of the habitat above"
    )
    label = serializers.CharField(help_text="in the language asked for")  # type: ignore[assignment] # fields have one
    legend = LegendSerializer(
        source="legend_entry", default=None, allow_null=True, help_text="null where the region's map has it not"
    )

    class Meta:
        model = HabitatType
        fields = ["id", "typology", "code", "parent", "level", "label", "label_fr", "label_en", "cd_hab", "legend"]
        read_only_fields = fields


class SampleSerializer(GeoFeatureModelSerializer):
    """One labelled place."""

    habitat = HabitatRefSerializer(source="habitat_type")
    geometry = GeoJSONField(read_only=True)

    class Meta:
        model = Sample
        geo_field = "geometry"
        fields = [
            "id",
            "key",
            "year",
            "habitat",
            "observed_on",
            "observers",
            "origin",
            "design",
            "inclusion_probability",
            "sample_set",
            "weight",
            "geometry",
        ]


class VintageSerializer(serializers.ModelSerializer):
    """The map of one year made by one model version."""

    version = serializers.IntegerField(source="version.number", help_text="number of the model version")
    tiles = serializers.SerializerMethodField(help_text="address of its vector tiles; fill in {z}, {x} and {y}")

    class Meta:
        model = Vintage
        fields = [
            "id",
            "year",
            "version",
            "state",
            "polygon_count",
            "area_m2",
            "minimum_unit_px",
            "metrics",
            "created_at",
            "published_at",
            "tiles",
        ]

    def get_tiles(self, vintage: Vintage) -> str:
        """As map libraries take it."""
        path = address_of_tiles("habitats:tile", vintage.pk)
        # Braces would be quoted by build_absolute_uri, and map libraries would not find them.
        request = self.context["request"]
        return f"{request.scheme}://{request.get_host()}{path}"


class AreaSerializer(serializers.ModelSerializer):
    """The area of a habitat in a territory."""

    habitat = HabitatRefSerializer(source="habitat_type")

    class Meta:
        model = TerritoryStatistic
        fields = ["habitat", "area_m2"]


class RunnerUpSerializer(serializers.Serializer):
    """What else a polygon could be."""

    habitat = HabitatRefSerializer()
    share = serializers.IntegerField(help_text="share of the votes (%)")


class PolygonSerializer(GeoFeatureModelSerializer):
    """One polygon of a vintage."""

    vintage = serializers.IntegerField(source="vintage_id", help_text="id of the vintage")
    habitat = HabitatRefSerializer(source="habitat_type")
    runner_ups = serializers.SerializerMethodField()
    geometry = GeoJSONField(read_only=True)

    class Meta:
        model = Polygon
        geo_field = "geometry"
        fields = ["id", "vintage", "number", "version", "habitat", "confidence", "runner_ups", "area_m2", "geometry"]

    @extend_schema_field(RunnerUpSerializer(many=True))
    def get_runner_ups(self, polygon: Polygon) -> list[dict[str, Any]]:
        """At most two, the likelier first."""
        pairs = [(polygon.runner_up_1, polygon.runner_up_1_share), (polygon.runner_up_2, polygon.runner_up_2_share)]
        found = [{"habitat": habitat, "share": share} for habitat, share in pairs if habitat is not None]
        return list(RunnerUpSerializer(found, many=True).data) if found else []
