"""The addresses; each app names its own."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from bioccia import health
from bioccia.api.views import DocsView, SchemaView

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("compte/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(), name="api-docs"),
    path("api/v1/", RedirectView.as_view(pattern_name="api-docs"), name="api-index"),
    path("api/v1/", include([path("", include(f"{app}.api.urls")) for app in settings.API_APPS])),
    path("", include("ml.urls")),
    path("", include("species.urls")),
    path("", include("habitats.urls")),
    path("", include("feedback.urls")),
]
handler400 = "bioccia.errors.bad_request"
handler404 = "bioccia.errors.page_not_found"
handler403 = "bioccia.errors.page_forbidden"
handler500 = "bioccia.errors.page_of_failure"
