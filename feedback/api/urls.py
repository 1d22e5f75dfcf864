"""Addresses of the API of the app."""

from rest_framework.routers import SimpleRouter

from feedback.api.releases import ReleaseViewSet
from feedback.api.reports import ReportViewSet
from feedback.api.rounds import RoundViewSet

router = SimpleRouter(use_regex_path=False)
router.register("rounds", RoundViewSet, basename="round")
router.register("reports", ReportViewSet, basename="report")
router.register("releases", ReleaseViewSet, basename="release")
urlpatterns = router.urls
