"""Addresses of the API of the app."""

from rest_framework.routers import SimpleRouter

from habitats.api import releves, views

router = SimpleRouter(use_regex_path=False)
router.register("habitat-types", views.HabitatTypeViewSet, basename="habitat-type")
router.register("releves", releves.ReleveViewSet, basename="releve")
router.register("samples", views.SampleViewSet, basename="sample")
router.register("vintages", views.VintageViewSet, basename="vintage")
router.register("polygons", views.PolygonViewSet, basename="polygon")
urlpatterns = router.urls
