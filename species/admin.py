"""Administration of species. Exact positions stay out of it: desks pass the gate too."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from species.models import Observation, ObservationDataset, Taxon


class _ReadOnlyAdmin(admin.ModelAdmin):
    """Rows come from imports; here they are only looked at."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Never."""
        return False


@admin.register(Taxon)
class TaxonAdmin(_ReadOnlyAdmin):
    """Names of species."""

    list_display = ["scientific_name", "authorship", "rank", "family", "source", "source_id"]
    list_filter = ["source", "rank"]
    search_fields = ["scientific_name__unaccent", "vernacular_fr__unaccent", "source_id"]
    raw_id_fields = ["accepted"]


@admin.register(ObservationDataset)
class ObservationDatasetAdmin(_ReadOnlyAdmin):
    """Where observations come from."""

    list_display = ["name", "owner", "licence", "diffusion", "imported_at"]
    list_filter = ["diffusion"]


@admin.register(Observation)
class ObservationAdmin(_ReadOnlyAdmin):
    """Observations, by the place that may be shown."""

    list_display = ["cited_name", "taxon", "observed_to", "dataset", "shown_precision"]
    list_filter = ["dataset", "shown_precision"]
    list_select_related = ["taxon", "dataset"]
    search_fields = ["cited_name__unaccent"]
    fields = ["dataset", "taxon", "cited_name", "observed_from", "observed_to", "count", "shown_precision"]
    show_full_result_count = False
