"""Addresses of the pages of the app."""

from django.urls import path

from habitats.views import chips, communes, table, territories, tiles, versions
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
    path("tiles/vintages/<int:vintage_id>/<int:z>/<int:x>/<int:y>.mvt", tiles.vintage_tile, name="tile"),
    path("tiles/outlines/<int:z>/<int:x>/<int:y>.mvt", map_views.outlines, name="outline-tile"),
    path("vues/", chips.chip_strip, name="chips"),
    path("vues/image.png", chips.chip, name="chip"),
    path("tableau/", table.map_table, name="map-table"),
    path("tableau/polygones.csv", table.polygon_csv, name="polygon-csv"),
    path("tableau/surfaces.csv", table.area_csv, name="area-csv"),
]
