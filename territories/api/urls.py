"""Addresses of the API of the app."""

from rest_framework.routers import SimpleRouter

from territories.api.views import TerritoryViewSet

router = SimpleRouter(use_regex_path=False)
router.register("territories", TerritoryViewSet, basename="territory")
urlpatterns = router.urls
