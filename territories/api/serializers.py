"""Territories as GeoJSON features."""

from rest_framework import serializers
from rest_framework_gis.serializers import GeoFeatureModelSerializer

from bioccia.api.geography import GeoJSONField
from territories.models import Territory


class TerritorySerializer(GeoFeatureModelSerializer):
    """A region, department, intercommunality or commune."""

    id = serializers.SerializerMethodField(help_text="kind:code")
    parent = serializers.SerializerMethodField(help_text="kind:code of the territory it belongs to")
    epci = serializers.SerializerMethodField(help_text="kind:code of the intercommunality of a commune")
    geometry = GeoJSONField(read_only=True)

    class Meta:
        model = Territory
        geo_field = "geometry"
        id_field = "id"
        fields = ["id", "kind", "code", "name", "parent", "epci", "area_m2", "geometry"]

    def get_id(self, territory: Territory) -> str:
        """The name other filters take."""
        return f"{territory.kind}:{territory.code}"

    def get_parent(self, territory: Territory) -> str | None:
        """The wider one."""
        return self.get_id(territory.parent) if territory.parent else None

    def get_epci(self, territory: Territory) -> str | None:
        """Communes only."""
        return self.get_id(territory.epci) if territory.epci else None
