"""Administration of habitats: commands, runs and decisions write; people look here."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from bioccia.admin import ReadOnlyAdmin, drawing_of
from habitats.models import (
    Crosswalk,
    CrosswalkRow,
    HabitatType,
    LegendEntry,
    Polygon,
    Releve,
    ReleveDataset,
    ReleveValidation,
    Sample,
    TerritoryStatistic,
    TerritoryTransition,
    Typology,
    Vintage,
)
from habitats.queries.branches import holds_a_habitat
from territories.admin import BRANCH_CHECKS

BRANCH_CHECKS.append(holds_a_habitat)
OUTLINES_OF_TERRITORY = ("territory__geometry", "territory__geometry_3857")


@admin.register(Typology)
class TypologyAdmin(ReadOnlyAdmin):
    """Classifications, side by side; `import_typology` writes them."""

    list_display = ("code", "name", "version", "source")
    search_fields = ("code", "name")


@admin.register(HabitatType)
class HabitatTypeAdmin(ReadOnlyAdmin):
    """Habitats of all typologies."""

    list_display = ("code", "label_fr", "typology", "level", "cd_hab")
    list_filter = ("typology", "level")
    list_select_related = ("typology",)
    search_fields = ("code__istartswith", "label_fr__unaccent", "label_en__unaccent", "=cd_hab")


@admin.register(LegendEntry)
class LegendEntryAdmin(ReadOnlyAdmin):
    """The region's legend; its folder writes it."""

    list_display = ("position", "swatch", "habitat_type", "stake")
    list_filter = ("stake",)
    list_select_related = ("habitat_type",)
    search_fields = ("habitat_type__code", "habitat_type__label_fr__unaccent")

    @admin.display(description=_("colour"))
    def swatch(self, entry: LegendEntry) -> SafeString:
        """The colour, drawn."""
        return format_html(
            '<svg width="28" height="16" role="img" aria-label="{0}"><rect width="28" height="16" fill="{0}"/></svg>',
            entry.color,
        )


@admin.register(Crosswalk)
class CrosswalkAdmin(ReadOnlyAdmin):
    """Published correspondences; `import_crosswalk` writes them."""

    list_display = ("__str__", "version", "source")
    list_select_related = ("from_typology", "to_typology")
    search_fields = ("from_typology__name", "to_typology__name")


@admin.register(CrosswalkRow)
class CrosswalkRowAdmin(ReadOnlyAdmin):
    """Correspondences, to search in."""

    list_display = ("from_type", "relation", "to_type", "crosswalk")
    list_filter = ("crosswalk", "relation")
    list_select_related = ("from_type", "to_type", "crosswalk__from_typology", "crosswalk__to_typology")
    search_fields = ("from_type__code", "to_type__code", "from_type__label_fr__unaccent")


@admin.register(Sample)
class SampleAdmin(ReadOnlyAdmin):
    """Reference samples; the audit sample is sealed here too."""

    list_display = ("key", "year", "habitat_type", "origin", "sample_set", "observed_on", "retired_at")
    list_filter = ("year", "origin", "design", "retired_at")
    list_select_related = ("habitat_type",)
    search_fields = ("key", "observers", "habitat_type__code")
    exclude = ("geometry",)
    readonly_fields = ("drawing",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Sample]:  # noqa: ARG002 - Django's signature
        """Without the audit sample, which no desk may see."""
        return Sample.objects.not_sealed().defer("geometry")

    @admin.display(description=_("place"))
    def drawing(self, sample: Sample) -> SafeString | str:
        """The outline."""
        return drawing_of(sample.geometry)


@admin.register(Vintage)
class VintageAdmin(ReadOnlyAdmin):
    """Maps of years."""

    list_display = ("year", "state", "version", "polygon_count", "created_at")
    list_filter = ("state", "year")
    list_select_related = ("version",)
    search_fields = ("=year", "=version__number")


@admin.register(Polygon)
class PolygonAdmin(ReadOnlyAdmin):
    """Polygons, by millions: pages by number, no count of them all."""

    list_display = ("number", "vintage", "habitat_type", "confidence", "area_m2", "version")
    list_filter = ("vintage",)
    list_select_related = ("vintage", "habitat_type")
    search_fields = ("=number",)
    exclude = ("geometry", "geometry_3857")
    readonly_fields = ("drawing",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Polygon]:
        """Without outlines, which the page of one polygon reads by itself."""
        return super().get_queryset(request).defer("geometry", "geometry_3857")

    @admin.display(description=_("outline"))
    def drawing(self, polygon: Polygon) -> SafeString | str:
        """The outline."""
        return drawing_of(polygon.geometry)


@admin.register(TerritoryStatistic)
class TerritoryStatisticAdmin(ReadOnlyAdmin):
    """Areas by territory and habitat."""

    list_display = ("territory", "vintage", "habitat_type", "area_m2")
    list_filter = ("vintage", "territory__kind")
    list_select_related = ("territory", "vintage", "habitat_type")
    search_fields = ("territory__name__unaccent", "=territory__code", "=habitat_type__code")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TerritoryStatistic]:
        """Without outlines."""
        return super().get_queryset(request).defer(*OUTLINES_OF_TERRITORY)


@admin.register(TerritoryTransition)
class TerritoryTransitionAdmin(ReadOnlyAdmin):
    """What became what, by territory."""

    list_display = ("territory", "earlier", "vintage", "from_type", "to_type", "area_m2")
    list_filter = ("vintage", "territory__kind")
    list_select_related = ("territory", "earlier", "vintage", "from_type", "to_type")
    search_fields = ("territory__name__unaccent", "=territory__code", "=from_type__code", "=to_type__code")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TerritoryTransition]:
        """Without outlines."""
        return super().get_queryset(request).defer(*OUTLINES_OF_TERRITORY)


@admin.register(ReleveDataset)
class ReleveDatasetAdmin(ReadOnlyAdmin):
    """Who owns relevés, and what their convention lets others see."""

    list_display = ("name", "organisation", "diffusion", "licence", "created_at")
    list_filter = ("diffusion",)
    list_select_related = ("organisation",)
    search_fields = ("name__unaccent",)


@admin.register(Releve)
class ReleveAdmin(ReadOnlyAdmin):
    """Relevés, without their place: the pages show it through the gate."""

    list_display = ("external_id", "dataset", "observed_on", "state", "level", "is_stale", "organisation")
    list_filter = ("state", "level", "is_stale", "sensitivity")
    list_select_related = ("dataset", "organisation")
    search_fields = ("=external_id", "dataset__name__unaccent", "observers__unaccent")
    exclude = ("geometry", "shown_geometry", "commune", "comment")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Releve]:
        """Without places."""
        return super().get_queryset(request).defer("geometry", "shown_geometry")


@admin.register(ReleveValidation)
class ReleveValidationAdmin(ReadOnlyAdmin):
    """Judgements, only added to."""

    list_display = ("releve", "level", "by", "at", "reason")
    list_filter = ("level",)
    list_select_related = ("releve__dataset", "by")
    search_fields = ("=releve__external_id", "by__email", "reason__unaccent")
