"""Addresses of the API of the app."""

from rest_framework.routers import SimpleRouter

from ml.api.views import ModelVersionViewSet, RunViewSet

router = SimpleRouter(use_regex_path=False)
router.register("runs", RunViewSet, basename="run")
router.register("model-versions", ModelVersionViewSet, basename="model-version")
urlpatterns = router.urls
