"""Addresses of the API of the app."""

from rest_framework.routers import SimpleRouter

from species.api import views

router = SimpleRouter(use_regex_path=False)
router.register("taxa", views.TaxonViewSet, basename="taxon")
router.register("observations", views.ObservationViewSet, basename="observation")
urlpatterns = router.urls
