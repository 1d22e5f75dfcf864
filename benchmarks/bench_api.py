"""The REST API on 100,000 polygons: pages through the real web server, and GeoJSON beside djangorestframework-gis'."""

import random
from typing import TYPE_CHECKING

from benchmarks import ground

if TYPE_CHECKING:
    from habitats.models import Vintage

REQUESTS = 100
FEATURES = 1000


def measure_web(vintage: "Vintage") -> None:
    """Pages of polygons by box, far pages, whole pages."""
    west, south, east, north = vintage.region.footprint.extent
    places = random.Random(0)
    boxes = []
    for _request in range(REQUESTS):
        left, low = places.uniform(west, east), places.uniform(south, north)
        boxes.append(f"{left:.4f},{low:.4f},{left + 0.1:.4f},{low + 0.1:.4f}")
    polygons = f"/api/v1/polygons/?vintage={vintage.pk}"
    asked = {
        "50 polygons of a box": [f"{polygons}&bbox={box}" for box in boxes],
        "50 polygons from the 50,000th on": [f"{polygons}&offset={50_000 + page}" for page in range(0, 1000, 50)],
        f"{FEATURES} polygons": [f"{polygons}&limit={FEATURES}&offset={page * FEATURES}" for page in range(20)],
        "the legend": ["/api/v1/habitat-types/?in_legend=true"] * 20,
    }
    with ground.web_server() as port:
        ground.warm(port, f"{polygons}&limit=1")
        for name, addresses in asked.items():
            spent = ground.timed_requests(port, addresses)
            ground.row(f"API, {name}, web server, p95", "bioccia", ground.percentile(spent, 0.95), "ms")


def measure_features(vintage: "Vintage") -> None:
    """The same 1,000 features, outlines written by PostGIS or by GDAL in Python."""
    from django.test import RequestFactory
    from rest_framework.renderers import JSONRenderer
    from rest_framework.request import Request
    from rest_framework_gis.serializers import GeoFeatureModelSerializer

    from bioccia.api.geography import with_geojson
    from habitats.api.serializers import PolygonSerializer
    from habitats.models import Polygon

    class PlainSerializer(GeoFeatureModelSerializer):
        class Meta:
            model = Polygon
            geo_field = "geometry"
            fields = PolygonSerializer.Meta.fields

        habitat = PolygonSerializer._declared_fields["habitat"]
        vintage = PolygonSerializer._declared_fields["vintage"]
        runner_ups = PolygonSerializer._declared_fields["runner_ups"]
        get_runner_ups = PolygonSerializer.get_runner_ups

    rows = Polygon.objects.for_lists().filter(vintage=vintage).select_related("habitat_type__typology")
    request = Request(RequestFactory().get("/"))

    def ours(start: int) -> bytes:
        found = with_geojson(rows, request).order_by("number")[start : start + FEATURES]
        return JSONRenderer().render(PolygonSerializer(found, many=True).data)

    def peer(start: int) -> bytes:
        return JSONRenderer().render(PlainSerializer(rows.order_by("number")[start : start + FEATURES], many=True).data)

    spent = ground.side_by_side(ours, peer, list(range(0, 10 * FEATURES, FEATURES)))
    for who, values in zip(("bioccia", "djangorestframework-gis"), spent, strict=True):
        ground.row(f"{FEATURES} polygons as GeoJSON, median of 10", who, ground.percentile(values, 0.5), "ms")


def main() -> None:
    with ground.own_database():
        from benchmarks.mapped_region import mapped_region

        vintage = mapped_region()
        measure_features(vintage)
        measure_web(vintage)


if __name__ == "__main__":
    main()
