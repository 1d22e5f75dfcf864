"""GeoJSON written by PostGIS, `?bbox=` and `?geometry=none`."""

import json
import math
from typing import Any

import django_filters
from django import forms
from django.contrib.gis.db.models.functions import AsGeoJSON
from django.contrib.gis.geos import Polygon
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework_gis.fields import GeometryField

COORDINATE_DECIMALS = 6  # about 10 cm, finer than any cell


class GeoJSONRenderer(JSONRenderer):
    """JSON, announced as RFC 7946 says."""

    media_type = "application/geo+json"
    # `?format=json` means this one too, where it comes first.
    format = "json"


class GeoJSONField(GeometryField):
    """The geometry as PostGIS wrote it in `with_geojson`: several times faster than through GDAL in Python."""

    def get_attribute(self, instance: Model) -> dict | None:
        """None where the geometry was not asked for."""
        text = getattr(instance, "geojson", None)
        return json.loads(text) if text else None


def with_geojson(queryset: QuerySet, request: Request) -> QuerySet:
    """Have PostGIS write the outlines, unless `?geometry=none` leaves them out."""
    queryset = queryset.defer("geometry")
    if request.query_params.get("geometry") == "none":
        return queryset
    return queryset.annotate(geojson=AsGeoJSON("geometry", precision=COORDINATE_DECIMALS))


class BboxField(forms.CharField):
    """Four numbers in degrees: west, south, east, north."""

    def clean(self, value: Any) -> Polygon | None:
        """Read the box, or say what is wrong with it."""
        text = super().clean(value)
        return _box_of(text) if text else None


def _box_of(text: str) -> Polygon:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise ValidationError(_("Write four numbers: west,south,east,north, in degrees.")) from error
    if not all(math.isfinite(edge) for edge in (west, south, east, north)):
        raise ValidationError(_("Write four finite numbers, in degrees."))
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise ValidationError(_("West must be below east within ±180, and south below north within ±90."))
    box = Polygon.from_bbox((west, south, east, north))
    box.srid = 4326
    return box


class BboxFilter(django_filters.CharFilter):
    """`?bbox=west,south,east,north`: what intersects the box."""

    field_class = BboxField

    def __init__(self, field_name: str = "geometry", **options: Any) -> None:
        options.setdefault("label", _("west,south,east,north in degrees (EPSG:4326): what intersects the box"))
        super().__init__(field_name, "intersects", **options)


class GeometryChoiceFilter(django_filters.ChoiceFilter):
    """`?geometry=none`: attributes only. `with_geojson` obeys it; here it is checked and documented."""

    def __init__(self, **options: Any) -> None:
        choices = [("full", _("outlines")), ("none", _("attributes only"))]
        super().__init__(choices=choices, label=_("none: attributes only, much lighter"), **options)

    def filter(self, queryset: QuerySet, _value: str) -> QuerySet:
        """Every row stays."""
        return queryset
