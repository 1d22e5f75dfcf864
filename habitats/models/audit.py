"""The audit sample: points drawn by probability before mapping, labelled blind, sealed until the release gate."""

from typing import Self

import pghistory
from django.conf import settings
from django.contrib.gis.db import models
from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from habitats.models.typologies import HabitatType
from habitats.models.vintages import Vintage
from habitats.states import AuditState, LabelConfidence

BLIND_LABELS = 2
LONGEST_NOTE = 500


class AuditSample(models.Model):
    """One draw for one year: its seed and its hash are public at once, its points only once it is opened."""

    region = models.ForeignKey(
        "territories.Region", models.CASCADE, related_name="audit_samples", verbose_name=_("region")
    )
    year = models.PositiveSmallIntegerField(_("year"))
    number = models.PositiveSmallIntegerField(_("draw of the year"), default=1)
    reason = models.TextField(_("why it was drawn again"), blank=True)
    seed = models.PositiveBigIntegerField(_("seed, public"))
    secret = models.CharField(
        _("second half of the seed, public once opened"), max_length=64, blank=True, editable=False
    )
    size = models.PositiveIntegerField(_("points"))
    design = models.JSONField(_("design"))
    strata_areas = models.JSONField(_("areas of the strata (m²)"))
    sha256 = models.CharField(_("hash of the points"), max_length=64)
    drawn_at = models.DateTimeField(_("drawn at"))
    drawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("drawn by")
    )
    state = models.CharField(_("state"), max_length=20, choices=AuditState, default=AuditState.DRAWN)
    closed_at = models.DateTimeField(_("labelling closed at"), null=True, blank=True)
    opened_at = models.DateTimeField(_("opened at"), null=True, blank=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("opened by")
    )
    vintage = models.ForeignKey(
        Vintage, models.PROTECT, null=True, blank=True, related_name="audits", verbose_name=_("vintage assessed")
    )
    assessment = models.JSONField(_("assessment"), null=True, blank=True)

    class Meta:
        verbose_name = _("audit sample")
        verbose_name_plural = _("audit samples")
        ordering = ["-year", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["region", "year", "number"], name="audit_draw_once"),
            models.CheckConstraint(condition=Q(number=1) | ~Q(reason=""), name="audit_redraw_says_why"),
            models.CheckConstraint(condition=Q(size__gt=0), name="audit_has_points"),
            models.CheckConstraint(condition=Q(state__in=AuditState.values), name="audit_state_known"),
            models.CheckConstraint(
                condition=~Q(state=AuditState.OPENED)
                | Q(opened_at__isnull=False, vintage__isnull=False, assessment__isnull=False),
                name="audit_opened_has_its_result",
            ),
        ]

    def __str__(self) -> str:
        return str(self.year) if self.number == 1 else f"{self.year}.{self.number}"

    @property
    def is_opened(self) -> bool:
        """Whether its points, labels and result are public."""
        return self.state == AuditState.OPENED


class AuditPointQuerySet(models.QuerySet["AuditPoint"]):
    """Questions about audit points; only the labelling and the opening may ask them before the gate."""

    def opened(self) -> Self:
        """Those that everybody may see."""
        return self.filter(audit__state=AuditState.OPENED)

    def waiting_for(self, interpreter_id: int) -> Self:
        """Those that a person may label now: not theirs yet, and short of a blind label or of an arbitration."""
        mine = AuditLabel.objects.filter(point=OuterRef("pk"), interpreter=interpreter_id)
        return self.counted().filter(~Exists(mine), Q(blind_labels__lt=BLIND_LABELS) | self.in_disagreement())

    def without_reference(self) -> Self:
        """Those whose labels do not say yet what stands there."""
        return self.counted().filter(Q(blind_labels__lt=BLIND_LABELS) | self.in_disagreement())

    def counted(self) -> Self:
        """With the number of blind labels, of different answers among them, and of arbitrations."""
        blind = Q(labels__is_arbitration=False)
        return self.annotate(
            blind_labels=Count("labels", filter=blind),
            habitats_seen=Count("labels__habitat_type", filter=blind, distinct=True),
            unseen=Count("labels", filter=blind & Q(labels__habitat_type__isnull=True)),
            arbitrations=Count("labels", filter=Q(labels__is_arbitration=True)),
        )

    @staticmethod
    def in_disagreement() -> Q:
        """Two blind labels that differ, and nobody has arbitrated (on `counted` points)."""
        differs = Q(habitats_seen__gt=1) | Q(habitats_seen=1, unseen__gt=0)
        return Q(blind_labels=BLIND_LABELS, arbitrations=0) & differs


class AuditPoint(models.Model):
    """The centre of one drawn cell. Its stratum and the map are never shown to who labels it."""

    audit = models.ForeignKey(AuditSample, models.CASCADE, related_name="points", verbose_name=_("audit sample"))
    number = models.PositiveIntegerField(_("number"))
    point = models.PointField(_("place"), srid=4326)
    x = models.FloatField(_("easting in the region's CRS (m)"))
    y = models.FloatField(_("northing in the region's CRS (m)"))
    stratum = models.CharField(_("stratum"), max_length=60)
    inclusion_probability = models.FloatField(_("inclusion probability"))
    map_type = models.ForeignKey(
        HabitatType,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("habitat of the map when it was opened"),
    )

    objects = AuditPointQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit point")
        verbose_name_plural = _("audit points")
        ordering = ["audit", "number"]
        constraints = [
            models.UniqueConstraint(fields=["audit", "number"], name="audit_point_number_once"),
            models.CheckConstraint(
                condition=Q(inclusion_probability__gt=0, inclusion_probability__lte=1),
                name="audit_point_has_a_probability",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.audit}/{self.number}"


@pghistory.track(pghistory.UpdateEvent(row=pghistory.Old), pghistory.DeleteEvent())
class AuditLabel(models.Model):
    """What one person saw at one point, without seeing the map nor what others saw."""

    point = models.ForeignKey(AuditPoint, models.CASCADE, related_name="labels", verbose_name=_("point"))
    interpreter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="audit_labels", verbose_name=_("interpreter")
    )
    habitat_type = models.ForeignKey(
        HabitatType,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("habitat type"),
        help_text=_("Empty: not interpretable on the images."),
    )
    confidence = models.PositiveSmallIntegerField(_("confidence"), choices=LabelConfidence)
    note = models.CharField(_("note"), max_length=LONGEST_NOTE, blank=True)
    is_arbitration = models.BooleanField(_("decides between two labels"), default=False)
    labelled_at = models.DateTimeField(_("labelled at"))

    class Meta:
        verbose_name = _("audit label")
        verbose_name_plural = _("audit labels")
        ordering = ["point", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["point", "interpreter"], name="audit_label_once_per_person"),
            models.UniqueConstraint(
                fields=["point"], condition=Q(is_arbitration=True), name="audit_label_one_arbitration"
            ),
            models.CheckConstraint(
                condition=Q(confidence__in=LabelConfidence.values), name="audit_label_confidence_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.point} #{self.pk}"
