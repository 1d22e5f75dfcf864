"""Releases: the dossier, its two signatures, the files."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from feedback.states import ReleaseState


class ReleaseQuerySet(models.QuerySet["Release"]):
    """Questions about releases."""

    def published(self) -> Self:
        """The ones that stand."""
        return self.filter(state=ReleaseState.PUBLISHED)

    def public(self) -> Self:
        """Those whose page everybody may read, with the note of what became of them."""
        return self.filter(state__in=[ReleaseState.PUBLISHED, ReleaseState.SUPERSEDED, ReleaseState.WITHDRAWN])

    def under_way(self) -> Self:
        """Prepared or signed, not published yet."""
        return self.filter(state__in=[ReleaseState.PREPARED, ReleaseState.SIGNED])


class Release(models.Model):
    """An approved, frozen, published vintage: YEAR.N, never changed."""

    region = models.ForeignKey("territories.Region", models.CASCADE, related_name="releases", verbose_name=_("region"))
    year = models.PositiveSmallIntegerField(_("year"))
    number = models.PositiveSmallIntegerField(_("number in the year"))
    vintage = models.ForeignKey("habitats.Vintage", models.PROTECT, related_name="releases", verbose_name=_("vintage"))
    state = models.CharField(_("state"), max_length=20, choices=ReleaseState, default=ReleaseState.PREPARED)
    dossier = models.JSONField(_("dossier"), default=dict)
    dossier_sha256 = models.CharField(_("hash of the dossier"), max_length=64)
    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("prepared by")
    )
    prepared_at = models.DateTimeField(_("prepared at"))
    run = models.ForeignKey(
        "ml.Run", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("publication run")
    )
    content_sha256 = models.CharField(
        _("hash of the content"),
        max_length=64,
        blank=True,
        help_text=_("Of the map, its changes and its accuracy; not of measured durations and energy."),
    )
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("superseded or withdrawn at"), null=True, blank=True)
    ended_reason = models.TextField(_("why it was withdrawn or superseded"), blank=True)

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        ordering = ["-year", "-number"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ReleaseState.values), name="release_state_known"),
            models.UniqueConstraint(
                fields=["region", "year", "number"],
                condition=~Q(state=ReleaseState.ABANDONED),
                name="release_number_once",
            ),
            models.UniqueConstraint(
                fields=["region", "year"],
                condition=Q(state__in=[ReleaseState.PREPARED, ReleaseState.SIGNED]),
                name="release_one_under_way_per_year",
            ),
            models.UniqueConstraint(
                fields=["region", "year"], condition=Q(state=ReleaseState.PUBLISHED), name="release_one_stands_per_year"
            ),
            models.UniqueConstraint(fields=["run"], condition=Q(run__isnull=False), name="release_one_publication"),
            models.CheckConstraint(
                condition=~Q(state=ReleaseState.PUBLISHED) | (Q(published_at__isnull=False) & ~Q(content_sha256="")),
                name="release_published_has_a_moment_and_a_hash",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.year}.{self.number}"


class ReleaseSignature(models.Model):
    """One administrator signs one dossier, by its hash."""

    release = models.ForeignKey(Release, models.CASCADE, related_name="signatures", verbose_name=_("release"))
    signer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("signer"))
    organisation = models.ForeignKey(
        "territories.Organisation", models.PROTECT, related_name="+", verbose_name=_("service of the signer")
    )
    dossier_sha256 = models.CharField(_("hash signed"), max_length=64)
    signed_at = models.DateTimeField(_("signed at"))

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        ordering = ["release", "signed_at"]
        constraints = [
            models.UniqueConstraint(fields=["release", "signer"], name="signature_once_per_person"),
            models.UniqueConstraint(fields=["release", "organisation"], name="signature_once_per_service"),
        ]

    def __str__(self) -> str:
        return f"{self.release}: {self.signer}"


class ReleaseFile(models.Model):
    """One file of a published release."""

    release = models.ForeignKey(Release, models.CASCADE, related_name="files", verbose_name=_("release"))
    name = models.CharField(_("name"), max_length=100)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    size_bytes = models.BigIntegerField(_("size (bytes)"))
    media_type = models.CharField(_("kind of file"), max_length=100)

    class Meta:
        verbose_name = _("file of a release")
        verbose_name_plural = _("files of releases")
        ordering = ["release", "name"]
        constraints = [models.UniqueConstraint(fields=["release", "name"], name="release_file_once")]

    def __str__(self) -> str:
        return f"{self.release}/{self.name}"


class ReleaseThresholds(models.Model):
    """What a release must reach, fixed before its map is made."""

    region = models.ForeignKey("territories.Region", models.CASCADE, related_name="+", verbose_name=_("region"))
    year = models.PositiveSmallIntegerField(_("year"))
    overall_accuracy = models.FloatField(_("least overall accuracy, by the audit sample (lower end of the interval)"))
    macro_f1 = models.FloatField(_("least macro-F1, on the selection blocks"))
    fixed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("fixed by"))
    fixed_at = models.DateTimeField(_("fixed at"))

    class Meta:
        verbose_name = _("thresholds of a release")
        verbose_name_plural = _("thresholds of releases")
        ordering = ["-year"]
        constraints = [
            models.UniqueConstraint(fields=["region", "year"], name="thresholds_once_per_year"),
            models.CheckConstraint(
                condition=Q(overall_accuracy__gte=0, overall_accuracy__lte=1, macro_f1__gte=0, macro_f1__lte=1),
                name="thresholds_are_shares",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.year}: {self.overall_accuracy}, {self.macro_f1}"
