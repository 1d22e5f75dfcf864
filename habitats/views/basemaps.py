"""Backgrounds of the map: the IGN's open tiles (Géoplateforme), without a key. None by default: the map needs none."""

from django.utils.translation import gettext_lazy as _

_TILES = (
    "https://data.geopf.fr/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&STYLE=normal"
    "&TILEMATRIXSET=PM&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}"
)
_ATTRIBUTION = "© IGN – Géoplateforme"
_LAST_ZOOM = 19

BASEMAPS = [
    {
        "id": "plan",
        "url": f"{_TILES}&LAYER=GEOGRAPHICALGRIDSYSTEMS.PLANIGNV2&FORMAT=image/png",
        "attribution": _ATTRIBUTION,
        "max_native_zoom": _LAST_ZOOM,
    },
    {
        "id": "ortho",
        "url": f"{_TILES}&LAYER=ORTHOIMAGERY.ORTHOPHOTOS&FORMAT=image/jpeg",
        "attribution": _ATTRIBUTION,
        "max_native_zoom": _LAST_ZOOM,
    },
]
BASEMAP_CHOICES = [("none", _("Limits only")), ("plan", _("IGN plan")), ("ortho", _("Aerial photographs"))]
