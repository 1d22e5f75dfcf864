"""Addresses of the pages of the app."""

from django.urls import path

from habitats.views import (
    audit,
    audit_labels,
    chips,
    communes,
    learned_from_reports,
    table,
    territories,
    tiles,
    versions,
)
from habitats.views import map as map_views

app_name = "habitats"
urlpatterns = [
    path("", map_views.map_page, name="map"),
    path("legende.css", map_views.legend_css, name="legend-css"),
    path("polygones/carte/", map_views.polygon_card, name="polygon-card"),
    path("communes/", communes.commune_search, name="commune-search"),
    path("territoires/<str:kind>/<str:code>/", territories.territory_page, name="territory"),
    path("territoires/<str:kind>/<str:code>/surfaces.csv", territories.territory_csv, name="territory-csv"),
    path("versions/", versions.version_list, name="version-list"),
    path("versions/comparaison/", versions.compare_versions, name="version-compare"),
    path("versions/<int:number>/", versions.version_page, name="version"),
    path("versions/<int:number>/decision/", versions.decide_version, name="version-decide"),
    path("versions/<int:number>/mesure/", learned_from_reports.measure_reports, name="version-measure"),
    path("tiles/vintages/<int:vintage_id>/<int:z>/<int:x>/<int:y>.mvt", tiles.vintage_tile, name="tile"),
    path("tiles/outlines/<int:z>/<int:x>/<int:y>.mvt", map_views.outlines, name="outline-tile"),
    path("audit/", audit.audit_list, name="audit-list"),
    path("audit/tirage/", audit.draw, name="audit-draw"),
    path("audit/<int:year>/<int:number>/", audit.audit_page, name="audit"),
    path("audit/<int:year>/<int:number>/tirage.json", audit.audit_json, name="audit-json"),
    path("audit/<int:year>/<int:number>/cloture/", audit.close, name="audit-close"),
    path("audit/<int:year>/<int:number>/ouverture/", audit.open_points, name="audit-open"),
    path("audit/<int:year>/<int:number>/document.json", audit.audit_document, name="audit-document"),
    path("audit/<int:year>/<int:number>/points/", audit.audit_points, name="audit-points"),
    path("audit/<int:year>/<int:number>/points.csv", audit.audit_csv, name="audit-csv"),
    path("audit/<int:year>/<int:number>/etiquetage/", audit_labels.next_point, name="audit-next"),
    path("audit/<int:year>/<int:number>/mes-etiquettes/", audit_labels.own_label_list, name="audit-own-labels"),
    path("audit/<int:year>/<int:number>/etiquetage/<int:point>/", audit_labels.label_point, name="audit-label"),
    path("audit/<int:year>/<int:number>/etiquetage/<int:point>/vues/", audit_labels.chip_strip, name="audit-chips"),
    path("audit/<int:year>/<int:number>/etiquetage/<int:point>/vue.png", audit_labels.chip, name="audit-chip"),
    path("vues/", chips.chip_strip, name="chips"),
    path("vues/image.png", chips.chip, name="chip"),
    path("tableau/", table.map_table, name="map-table"),
    path("tableau/polygones.csv", table.polygon_csv, name="polygon-csv"),
    path("tableau/surfaces.csv", table.area_csv, name="area-csv"),
]
