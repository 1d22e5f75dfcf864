"""Relevés: what people saw in the field, kept as they cited it, and what scientific validators thought of it."""

import uuid
from typing import Self

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.gis.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from habitats.models.samples import Sample
from habitats.models.typologies import HabitatType
from habitats.states import TRAINABLE_LEVELS, DatePrecision, ReleveLevel, ReleveState, Resolution
from species.models import Taxon
from species.states import Diffusion, Precision
from territories.models import Organisation, Territory


class ReleveDataset(models.Model):
    """Where relevés come from, who owns them, and what their convention lets others see."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    organisation = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="releve_datasets",
        verbose_name=_("organisation that owns it"),
    )
    licence = models.CharField(_("licence"), max_length=200, blank=True)
    diffusion = models.CharField(_("diffusion"), max_length=20, choices=Diffusion, default=Diffusion.STANDARD)
    sensitivity = models.PositiveSmallIntegerField(
        _("sensitivity where a relevé gives none"), choices=Precision, default=Precision.EXACT
    )
    created_at = models.DateTimeField(_("made at"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("made by")
    )

    class Meta:
        verbose_name = _("dataset of relevés")
        verbose_name_plural = _("datasets of relevés")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="releve_dataset_has_a_name"),
            models.CheckConstraint(condition=Q(diffusion__in=Diffusion.values), name="releve_dataset_diffusion_known"),
            models.CheckConstraint(
                condition=Q(sensitivity__in=Precision.values), name="releve_dataset_sensitivity_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ReleveQuerySet(models.QuerySet["Releve"]):
    """Questions about relevés; pages and API start from `habitats.queries.releves_visible_to`."""

    def submitted(self) -> Self:
        """No longer drafts."""
        return self.filter(state=ReleveState.SUBMITTED)

    def waiting(self) -> Self:
        """Those that a validator has to look at: never judged, or changed since."""
        return self.submitted().filter(Q(level=ReleveLevel.WAITING) | Q(is_stale=True))

    def validated(self) -> Self:
        """Judged certain or probable, and unchanged since."""
        return self.submitted().filter(level__in=TRAINABLE_LEVELS, is_stale=False)


@pghistory.track(
    pghistory.UpdateEvent(row=pghistory.Old),
    pghistory.DeleteEvent(),
    attrs={
        "geometry": models.GeometryField(srid=4326, spatial_index=False),
        "shown_geometry": models.PointField(srid=4326, null=True, spatial_index=False),
    },
)
class Releve(models.Model):
    """One field survey. What others may see of its place is decided when it is stored."""

    uuid = models.UUIDField(_("permanent identifier"), unique=True, default=uuid.uuid4, editable=False)
    dataset = models.ForeignKey(ReleveDataset, models.PROTECT, related_name="releves", verbose_name=_("dataset"))
    external_id = models.CharField(_("number in the dataset"), max_length=200)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="releves",
        verbose_name=_("author"),
        help_text=_("Empty: it came with the region folder."),
    )
    organisation = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="releves",
        verbose_name=_("organisation"),
    )
    observed_on = models.DateField(_("observed on"), null=True, blank=True)
    date_precision = models.CharField(
        _("precision of the date"), max_length=10, choices=DatePrecision, default=DatePrecision.DAY
    )
    observers = models.CharField(_("observers"), max_length=500, blank=True)
    geometry = models.GeometryField(_("place"), srid=4326)
    accuracy_m = models.FloatField(_("accuracy of the position (m)"), null=True, blank=True)
    area_m2 = models.FloatField(_("surveyed area (m²)"), null=True, blank=True)
    method = models.CharField(_("method"), max_length=200, blank=True)
    comment = models.TextField(_("comment"), blank=True)
    sensitivity = models.PositiveSmallIntegerField(_("sensitivity"), choices=Precision, default=Precision.EXACT)
    commune = models.ForeignKey(
        Territory, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("commune")
    )
    shown_precision = models.PositiveSmallIntegerField(
        _("precision shown"), choices=Precision, default=Precision.NOTHING
    )
    shown_geometry = models.PointField(_("position shown"), srid=4326, null=True, blank=True)
    state = models.CharField(_("state"), max_length=20, choices=ReleveState, default=ReleveState.DRAFT)
    level = models.PositiveSmallIntegerField(_("validation"), choices=ReleveLevel, default=ReleveLevel.WAITING)
    is_stale = models.BooleanField(_("changed since it was judged"), default=False)
    sample = models.OneToOneField(
        Sample,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="releve",
        verbose_name=_("reference sample"),
    )
    created_at = models.DateTimeField(_("made at"))
    changed_at = models.DateTimeField(_("changed at"))
    submitted_at = models.DateTimeField(_("submitted at"), null=True, blank=True)

    objects = ReleveQuerySet.as_manager()

    class Meta:
        verbose_name = _("relevé")
        verbose_name_plural = _("relevés")
        ordering = ["-changed_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "external_id"], name="releve_once_per_dataset"),
            models.CheckConstraint(condition=~Q(external_id=""), name="releve_has_a_number"),
            models.CheckConstraint(condition=Q(state__in=ReleveState.values), name="releve_state_known"),
            models.CheckConstraint(condition=Q(level__in=ReleveLevel.values), name="releve_level_known"),
            models.CheckConstraint(
                condition=Q(state=ReleveState.SUBMITTED, submitted_at__isnull=False)
                | Q(state=ReleveState.DRAFT, submitted_at__isnull=True, level=ReleveLevel.WAITING),
                name="releve_draft_is_not_judged",
            ),
            models.CheckConstraint(
                condition=Q(is_stale=False) | ~Q(level=ReleveLevel.WAITING), name="releve_stale_was_judged"
            ),
            models.CheckConstraint(
                condition=Q(accuracy_m__isnull=True) | Q(accuracy_m__gte=0), name="releve_accuracy_not_negative"
            ),
            models.CheckConstraint(condition=Q(area_m2__isnull=True) | Q(area_m2__gt=0), name="releve_area_positive"),
            models.CheckConstraint(
                condition=Q(sensitivity__in=Precision.values) & Q(shown_precision__in=Precision.values),
                name="releve_precision_known",
            ),
            models.CheckConstraint(condition=Q(shown_precision__gte=F("sensitivity")), name="releve_never_shown_finer"),
            models.CheckConstraint(
                condition=Q(shown_precision=Precision.NOTHING, shown_geometry__isnull=True)
                | (~Q(shown_precision=Precision.NOTHING) & Q(shown_geometry__isnull=False)),
                name="releve_hidden_has_no_position",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "level"], name="releve_state_level"),
            models.Index(fields=["author"], name="releve_author"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} – {self.number}"

    @property
    def number(self) -> str:
        """As people read it: where its file gave none, a short mark of what its row says."""
        return f"#{self.external_id[4:10]}" if self.external_id.startswith("row:") else self.external_id

    def types_named(self) -> set[int | None]:
        """Its habitats by primary key: as cited, and what they are in the region's legend."""
        return {key for keys in self.determinations.values_list("cited_type", "resolved_type") for key in keys}


@pghistory.track(pghistory.UpdateEvent(row=pghistory.Old), pghistory.DeleteEvent())
class Determination(models.Model):
    """A habitat of a relevé, exactly as cited, and what it is in the region's legend."""

    releve = models.ForeignKey(Releve, models.CASCADE, related_name="determinations", verbose_name=_("relevé"))
    position = models.PositiveSmallIntegerField(_("position"))
    cited_typology = models.CharField(_("typology as cited"), max_length=80)
    cited_code = models.CharField(_("code as cited"), max_length=80)
    cited_name = models.CharField(_("name as cited"), max_length=500, blank=True)
    cover_pct = models.FloatField(_("cover (%)"), null=True, blank=True)
    cited_type = models.ForeignKey(
        HabitatType,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("habitat type that was cited"),
    )
    resolved_type = models.ForeignKey(
        HabitatType,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="determinations",
        verbose_name=_("habitat type in the legend"),
    )
    resolution = models.CharField(_("correspondence"), max_length=20, choices=Resolution, default=Resolution.UNRESOLVED)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("confirmed by"),
    )
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("determination")
        verbose_name_plural = _("determinations")
        ordering = ["releve", "position"]
        constraints = [
            models.UniqueConstraint(fields=["releve", "position"], name="determination_position_once"),
            models.CheckConstraint(condition=~Q(cited_code=""), name="determination_cites_a_code"),
            models.CheckConstraint(
                condition=Q(cover_pct__isnull=True) | Q(cover_pct__gte=0, cover_pct__lte=100),
                name="determination_cover_is_a_percentage",
            ),
            models.CheckConstraint(
                condition=Q(
                    resolution__in=[Resolution.EXACT, Resolution.CONFIRMED, Resolution.PARENT_ONLY],
                    resolved_type__isnull=False,
                )
                | Q(resolution__in=[Resolution.PROPOSED, Resolution.UNRESOLVED], resolved_type__isnull=True),
                name="determination_resolved_names_its_type",
            ),
            models.CheckConstraint(
                condition=~Q(resolution=Resolution.CONFIRMED)
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False),
                name="determination_confirmed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cited_typology} {self.cited_code}"


class ReleveSpecies(models.Model):
    """A species of a relevé as cited, with its Braun-Blanquet coefficient."""

    releve = models.ForeignKey(Releve, models.CASCADE, related_name="species", verbose_name=_("relevé"))
    cited_name = models.CharField(_("name as cited"), max_length=400)
    taxon = models.ForeignKey(Taxon, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("taxon"))
    abundance = models.CharField(_("Braun-Blanquet coefficient"), max_length=5, blank=True)

    class Meta:
        verbose_name = _("species of a relevé")
        verbose_name_plural = _("species of relevés")
        ordering = ["releve", "cited_name"]
        constraints = [models.UniqueConstraint(fields=["releve", "cited_name"], name="releve_species_once")]

    def __str__(self) -> str:
        return f"{self.cited_name} {self.abundance}".strip()


class ReleveValidation(models.Model):
    """One judgement; only added to, never rewritten."""

    releve = models.ForeignKey(Releve, models.PROTECT, related_name="validations", verbose_name=_("relevé"))
    level = models.PositiveSmallIntegerField(_("validation"), choices=ReleveLevel)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("judged by"))
    at = models.DateTimeField(_("judged at"))
    reason = models.TextField(_("why"))

    class Meta:
        verbose_name = _("validation of a relevé")
        verbose_name_plural = _("validations of relevés")
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(level__in=ReleveLevel.values), name="validation_level_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="validation_says_why"),
        ]
        triggers = [pgtrigger.Protect(name="validations_are_only_added", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.releve}: {self.get_level_display()}"


class ReleveUpload(models.Model):
    """A file on its way in: read again at each look, with the cells corrected on the page; gone once submitted."""

    uuid = models.UUIDField(_("identifier"), unique=True, default=uuid.uuid4, editable=False)
    dataset = models.ForeignKey(ReleveDataset, models.CASCADE, related_name="uploads", verbose_name=_("dataset"))
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="releve_uploads", verbose_name=_("sent by")
    )
    uploaded_at = models.DateTimeField(_("sent at"))
    shown_name = models.CharField(_("name of the file"), max_length=120)
    stored_name = models.CharField(_("name in the store"), max_length=60, unique=True)
    corrections = models.JSONField(_("corrected cells"), default=dict, blank=True)

    class Meta:
        verbose_name = _("file of relevés")
        verbose_name_plural = _("files of relevés")
        ordering = ["-uploaded_at", "-pk"]

    def __str__(self) -> str:
        return self.shown_name
