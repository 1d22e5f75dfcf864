"""Reports, what was said and decided about them, and the log of their moves."""

import datetime
from typing import Self

import pgtrigger
from django.conf import settings
from django.contrib.gis.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from feedback.models.rounds import Round
from feedback.states import (
    OPEN_STATES,
    OUTCOMES,
    DecisionResult,
    ErrorType,
    EvidenceType,
    MessageKind,
    ReasonCode,
    ReportState,
)
from habitats.states import Stake


class ReportQuerySet(models.QuerySet["Report"]):
    """Questions about reports."""

    def open(self) -> Self:
        """Those that wait for somebody."""
        return self.filter(state__in=OPEN_STATES)

    def not_drafts(self) -> Self:
        """Those that were sent once: a draft is its author's alone."""
        return self.exclude(state=ReportState.DRAFT)

    def of_author(self, person_id: int) -> Self:
        """Those of one person."""
        return self.filter(author_id=person_id)

    def ordered_for_desk(self) -> Self:
        """First due first."""
        return self.order_by("due_on", "pk")

    def free_at(self, at: datetime.datetime) -> Self:
        """Those that nobody holds."""
        return self.filter(Q(locked_until__isnull=True) | Q(locked_until__lte=at))


class Report(models.Model):
    """One contestation: a place, the polygons with the version seen, what is wrong, what it should be."""

    client_uuid = models.UUIDField(_("identifier given by the client"), unique=True)
    body_sha256 = models.CharField(_("hash of the body as sent"), max_length=64, blank=True)
    round = models.ForeignKey(Round, models.PROTECT, related_name="reports", verbose_name=_("round"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="reports", verbose_name=_("author")
    )
    organisation = models.ForeignKey(
        "territories.Organisation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("organisation of the author when sent"),
    )
    state = models.CharField(_("state"), max_length=20, choices=ReportState, default=ReportState.DRAFT)
    vintage = models.ForeignKey(
        "habitats.Vintage",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("vintage seen"),
    )
    geometry = models.GeometryField(
        _("contested place"), srid=4326, null=True, blank=True, help_text=_("Drawn outline, or the polygons' own.")
    )
    is_drawn = models.BooleanField(_("outline drawn by the author"), default=False)
    area_m2 = models.FloatField(_("contested area (m²), in the region's CRS"), default=0.0)
    commune = models.ForeignKey(
        "territories.Territory",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("commune"),
    )
    error_type = models.CharField(_("what is wrong"), max_length=20, choices=ErrorType, blank=True)
    proposed_type = models.ForeignKey(
        "habitats.HabitatType",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("proposed habitat"),
    )
    comment = models.TextField(_("comment"), blank=True)
    observed_on = models.DateField(_("observed on"), null=True, blank=True)
    evidence_type = models.CharField(_("evidence"), max_length=20, choices=EvidenceType, blank=True)
    confidence = models.PositiveSmallIntegerField(_("confidence of the author (1-3)"), null=True, blank=True)
    lowers_stake = models.BooleanField(_("would lower a stake"), default=False)
    stake = models.CharField(_("highest stake, seen or proposed, when sent"), max_length=20, choices=Stake, blank=True)
    declares_interest = models.BooleanField(_("the organisation has an interest in the place"), null=True, blank=True)
    simulated_seed = models.CharField(_("drawn by the demonstration"), max_length=60, blank=True)
    created_at = models.DateTimeField(_("begun at"))
    submitted_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    updated_at = models.DateTimeField(_("last move at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    due_on = models.DateField(_("answer due on"), null=True, blank=True, help_text=_("Paused while a question waits."))
    asked_at = models.DateTimeField(_("question asked at"), null=True, blank=True)
    reminded_at = models.DateTimeField(_("reminded of the question at"), null=True, blank=True)
    locked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("held by")
    )
    locked_until = models.DateTimeField(_("held until"), null=True, blank=True)
    master = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged", verbose_name=_("joined to")
    )
    near = models.ManyToManyField(
        "self", symmetrical=False, blank=True, related_name="near_later", verbose_name=_("open on the same ground")
    )
    appealed_at = models.DateTimeField(_("appealed at"), null=True, blank=True)
    release = models.ForeignKey(
        "feedback.Release",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="reports",
        verbose_name=_("release that carries it"),
    )

    objects = ReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ReportState.values), name="report_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=[ReportState.DRAFT, ReportState.WITHDRAWN])
                | Q(submitted_at__isnull=False, geometry__isnull=False),
                name="report_sent_has_a_moment_and_a_place",
            ),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__gte=1, confidence__lte=3),
                name="report_confidence_from_1_to_3",
            ),
            models.CheckConstraint(
                condition=~Q(state=ReportState.MERGED) | Q(master__isnull=False), name="report_merged_has_a_master"
            ),
            models.CheckConstraint(
                condition=Q(locked_by__isnull=True) | Q(locked_until__isnull=False), name="report_lock_expires"
            ),
        ]
        indexes = [
            models.Index(fields=["due_on", "id"], condition=Q(state__in=OPEN_STATES), name="report_due"),
            models.Index(fields=["state", "due_on", "id"], name="report_queue"),
            models.Index(fields=["round", "state"], name="report_round_state"),
            models.Index(fields=["author", "-updated_at"], name="report_author_recent"),
            models.Index(fields=["commune", "state"], name="report_commune_state"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    def types_concerned(self) -> set[int | None]:
        """The habitats that it is about, by primary key: those seen on its polygons, and the one proposed."""
        return {self.proposed_type_id, *self.types_seen()}

    def types_seen(self) -> set[int]:
        """The habitats that its author saw on its polygons, by primary key."""
        return set(self.polygons.values_list("type_seen", flat=True))


class ReportPolygon(models.Model):
    """One polygon of a report, with the version and the habitat its author saw."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="polygons", verbose_name=_("report"))
    polygon = models.ForeignKey(
        "habitats.Polygon", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("polygon")
    )
    number = models.PositiveIntegerField(_("number in the vintage"))
    version_seen = models.PositiveIntegerField(_("version seen"))
    type_seen = models.ForeignKey(
        "habitats.HabitatType", models.PROTECT, related_name="+", verbose_name=_("habitat seen")
    )
    area_m2 = models.FloatField(_("area seen (m²)"), default=0.0)
    relinked_at = models.DateTimeField(_("found again by place at"), null=True, blank=True)

    class Meta:
        verbose_name = _("polygon of a report")
        verbose_name_plural = _("polygons of reports")
        ordering = ["report", "number"]
        constraints = [models.UniqueConstraint(fields=["report", "number"], name="report_polygon_once")]

    def __str__(self) -> str:
        return f"#{self.report_id}: {self.number}"


class Decision(models.Model):
    """What an adjudicator proposed, and who signed it. A report may have several: the last one counts."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="decisions", verbose_name=_("report"))
    outcome = models.CharField(
        _("outcome"), max_length=20, choices=[(outcome.value, outcome.label) for outcome in OUTCOMES]
    )
    result = models.CharField(_("result"), max_length=20, choices=DecisionResult)
    reason_code = models.CharField(_("reason"), max_length=30, choices=ReasonCode)
    reply = models.TextField(_("reply to the author"))
    to_type = models.ForeignKey(
        "habitats.HabitatType",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("habitat decided"),
    )
    outline = models.GeometryField(
        _("corrected outline"), srid=4326, null=True, blank=True, help_text=_("Empty: the whole polygons.")
    )
    seen = models.JSONField(_("polygons and versions seen by the adjudicator"), default=list)
    second_signature = models.JSONField(_("why a second signature is needed"), default=list, blank=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("proposed by")
    )
    proposed_at = models.DateTimeField(_("proposed at"))
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("signed by")
    )
    signed_at = models.DateTimeField(_("signed at"), null=True, blank=True)
    sent_back_at = models.DateTimeField(_("sent back to review at"), null=True, blank=True)
    in_appeal = models.BooleanField(_("by the appeal panel"), default=False)
    correction = models.ForeignKey(
        "habitats.Correction",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="decisions",
        verbose_name=_("correction"),
        help_text=_("Made by this decision, or the earlier one that already corrected the place."),
    )
    sample = models.ForeignKey(
        "habitats.Sample", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("sample")
    )

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["report", "proposed_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(result__in=DecisionResult.values), name="decision_result_known"),
            models.CheckConstraint(condition=~Q(reply=""), name="decision_replies"),
            models.CheckConstraint(
                condition=Q(signed_by__isnull=True, signed_at__isnull=True)
                | Q(signed_by__isnull=False, signed_at__isnull=False),
                name="decision_signed_by_somebody_at_a_moment",
            ),
            models.UniqueConstraint(
                fields=["report"],
                condition=Q(signed_at__isnull=True, sent_back_at__isnull=True),
                name="decision_one_waiting_per_report",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="signed_decisions_stand",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__signed_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"#{self.report_id}: {self.outcome}"


class ReportMessage(models.Model):
    """One message of the thread of a report; its author and the desk read it."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="messages", verbose_name=_("report"))
    kind = models.CharField(_("kind"), max_length=20, choices=MessageKind)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("author")
    )
    text = models.TextField(_("text"))
    written_at = models.DateTimeField(_("written at"))

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["report", "written_at", "pk"]
        triggers = [pgtrigger.Protect(name="messages_are_only_added", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"#{self.report_id}: {self.kind}"


class ReportMove(models.Model):
    """One move of a report: who, when, from where to where. Rows are only ever added."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="moves", verbose_name=_("report"))
    move = models.CharField(_("move"), max_length=20)
    from_state = models.CharField(_("from"), max_length=20, choices=ReportState, blank=True)
    to_state = models.CharField(_("to"), max_length=20, choices=ReportState)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("at"))
    reason = models.CharField(_("why"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("move")
        verbose_name_plural = _("moves")
        ordering = ["report", "at", "pk"]
        triggers = [pgtrigger.Protect(name="moves_are_only_added", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"#{self.report_id}: {self.move}"


class Attachment(models.Model):
    """A photograph or a document of a report, kept under a name of ours."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="attachments", verbose_name=_("report"))
    file_name = models.CharField(_("name on the disk"), max_length=100, unique=True)
    shown_name = models.CharField(_("name given by the sender"), max_length=150)
    media_type = models.CharField(_("kind of file"), max_length=60)
    size_bytes = models.PositiveIntegerField(_("size (bytes)"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    width = models.PositiveIntegerField(_("width (px)"), null=True, blank=True)
    height = models.PositiveIntegerField(_("height (px)"), null=True, blank=True)
    had_position = models.BooleanField(_("its position was removed"), default=False)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("added by"))
    added_at = models.DateTimeField(_("added at"))

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["report", "added_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["report", "sha256"], name="attachment_once_per_report")]

    def __str__(self) -> str:
        return self.shown_name
