"""What the administration of every app shares: tables that only actions write are read here, never written."""

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.gis.geos import GEOSGeometry
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

DRAWING_PIXELS = 320
LEAST_WIDTH_DEGREES = 1e-6  # a point has no width, and still needs a place to be drawn


class ReadOnlyAdmin(admin.ModelAdmin):
    """Lists, filters and shows; the writes of these tables are actions."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:  # noqa: ARG002 - Django's signature
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Never."""
        return False


class ReadOnlyInline(admin.TabularInline):
    """Rows of another table, shown below."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Never."""
        return False


def drawing_of(geometry: GEOSGeometry | None) -> SafeString | str:
    """A geometry (SRID 4326) as a small drawing: no script, no tile, nothing asked of another server."""
    if geometry is None:
        return ""
    west, south, east, north = geometry.extent
    stretch = math.cos(math.radians((south + north) / 2))
    width = max((east - west) * stretch, north - south, LEAST_WIDTH_DEGREES)
    scale = DRAWING_PIXELS / width
    path = " ".join(
        "M" + " ".join(f"{(lon - west) * stretch * scale:.1f},{(north - lat) * scale:.1f}" for lon, lat in line)
        for line in _lines_in(geometry.simplify(width / DRAWING_PIXELS, preserve_topology=True))
    )
    return format_html(
        '<svg width="{0}" height="{0}" viewBox="-4 -4 {1} {1}" role="img" aria-label="{2}">'
        '<path d="{3}" fill="#e4efe9" stroke="#1d5948" stroke-width="1.5" fill-rule="evenodd" '
        'stroke-linecap="round"/></svg>',
        DRAWING_PIXELS,
        DRAWING_PIXELS + 8,
        geometry.geom_type,
        path,
    )


def _lines_in(geometry: GEOSGeometry) -> Iterator[list[tuple[float, float]]]:
    return _lines_of(json.loads(geometry.json or "")["coordinates"])


def _lines_of(coordinates: Sequence[Any]) -> Iterator[list[tuple[float, float]]]:
    """The rings, lines and points of nested coordinates; a point is a line of no length."""
    if isinstance(coordinates[0], int | float):
        yield [(coordinates[0], coordinates[1])] * 2
    elif isinstance(coordinates[0][0], int | float):
        yield [(place[0], place[1]) for place in coordinates]
    else:
        for part in coordinates:
            yield from _lines_of(part)
