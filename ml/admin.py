"""Administration of the learning side: everything here is written by actions and read by people."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from bioccia.admin import ReadOnlyAdmin, ReadOnlyInline
from ml.models import Artefact, ModelVersion, PredictorLayer, Run, RunStep, TrainingSet


class RunStepInline(ReadOnlyInline):
    """The steps of a run."""

    model = RunStep
    fields = ("position", "name", "state", "done", "total", "seconds", "cpu_seconds", "energy_wh")
    ordering = ("position",)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Runs; they are started, stopped and restarted from their own page."""

    list_display = ("__str__", "state", "mode", "attempt", "created_at", "ended_at", "page")
    list_filter = ("state", "kind", "year", "mode")
    search_fields = ("=id", "failure", "requested_by__email")
    date_hierarchy = "created_at"
    inlines = (RunStepInline,)

    @admin.display(description=_("page"))
    def page(self, run: Run) -> SafeString:
        """Where it can be followed."""
        return format_html('<a href="{}">{}</a>', reverse("ml:run", args=[run.pk]), _("follow"))


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """Versions; they are approved and rejected on their own page."""

    list_display = ("__str__", "year", "state", "mode", "macro_f1", "created_at", "decided_at", "decided_by")
    list_filter = ("state", "year", "mode")
    list_select_related = ("decided_by",)
    search_fields = ("=number", "reason", "artefact__sha256", "training_set__sha256")

    @admin.display(description=_("macro-F1"))
    def macro_f1(self, version: ModelVersion) -> str:
        """The score that versions are compared by."""
        score = version.metrics.get("macro_f1")
        return "" if score is None else f"{score:.3f}"


@admin.register(TrainingSet)
class TrainingSetAdmin(ReadOnlyAdmin):
    """What versions learned from."""

    list_display = ("__str__", "sample_count", "frozen_at")
    list_filter = ("year",)
    search_fields = ("sha256",)


@admin.register(Artefact)
class ArtefactAdmin(ReadOnlyAdmin):
    """Files of the store."""

    list_display = ("__str__", "suffix", "size_bytes", "created_at")
    list_filter = ("suffix",)
    search_fields = ("sha256",)


@admin.register(PredictorLayer)
class PredictorLayerAdmin(ReadOnlyAdmin):
    """What models may look at."""

    list_display = ("name", "year", "kind", "acquired_on", "file", "band", "unit")
    list_filter = ("year", "kind")
    search_fields = ("name", "file")
