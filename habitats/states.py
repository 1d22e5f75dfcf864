"""Enumerations of habitats: stakes, origins and sets of samples, states of a vintage."""

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Stake(TextChoices):
    """How much is at stake, as region folders write it."""

    LOW = "faible", _("low")
    MEDIUM = "moyen", _("medium")
    HIGH = "fort", _("high")
    VERY_HIGH = "très fort", _("very high")


class SampleOrigin(TextChoices):
    """Where a reference sample comes from."""

    RELEVE = "releve", _("relevé")
    REPORT = "report", _("accepted report")
    PHOTO_INTERPRETATION = "photo_interpretation", _("photo-interpretation")
    EXISTING_MAP = "existing_map", _("existing map")
    OTHER = "other", _("other")


class SampleDesign(TextChoices):
    """How the place was chosen."""

    PURPOSIVE = "purposive", _("purposive")
    PROBABILITY = "probability", _("probability")


class SampleSet(TextChoices):
    """Three sets, never mixed."""

    TRAINING = "training", _("training")
    SELECTION = "selection", _("choice of a model")
    AUDIT = "audit", _("audit")


class VintageState(TextChoices):
    """Where a vintage stands."""

    BUILDING = "building", _("being made")
    WORKING = "working", _("working")
    REPLACED = "replaced", _("replaced")
    PUBLISHED = "published", _("published")


VINTAGE_MOVES: dict[str, tuple[tuple[VintageState, ...], VintageState]] = {
    "open": ((VintageState.BUILDING,), VintageState.WORKING),
    "replace": ((VintageState.BUILDING, VintageState.WORKING, VintageState.PUBLISHED), VintageState.REPLACED),
    "publish": ((VintageState.WORKING,), VintageState.PUBLISHED),
}


class CorrectionState(TextChoices):
    """Where a correction stands."""

    APPLIED = "applied", _("applied")
    REVERTED = "reverted", _("reverted")


CORRECTION_MOVES: dict[str, tuple[tuple[CorrectionState, ...], CorrectionState]] = {
    "revert": ((CorrectionState.APPLIED,), CorrectionState.REVERTED),
}


class BindingOutcome(TextChoices):
    """What became of an earlier correction in a later vintage."""

    BOUND = "bound", _("applied again")
    AGREES = "agrees", _("the map already agrees")
    DROPPED = "dropped", _("dropped")


class DropReason(TextChoices):
    """The evidence of change that ends a correction's hold."""

    NEWER_SAMPLE = "newer_sample", _("a newer sample says otherwise")
    IMAGE_CHANGE = "image_change", _("the images changed beyond doubt")
    DECISION = "decision", _("a later decision")
    UNDRAWABLE = "undrawable", _("it cannot be drawn into the new polygons")


class AuditState(TextChoices):
    """Where an audit sample stands."""

    DRAWN = "drawn", _("drawn, sealed")
    LABELLING = "labelling", _("being labelled, sealed")
    CLOSED = "closed", _("labelled, sealed")
    OPENED = "opened", _("opened")


AUDIT_MOVES: dict[str, tuple[tuple[AuditState, ...], AuditState]] = {
    "label": ((AuditState.DRAWN, AuditState.LABELLING), AuditState.LABELLING),
    "close": ((AuditState.LABELLING,), AuditState.CLOSED),
    "open": ((AuditState.CLOSED,), AuditState.OPENED),
}


class LabelConfidence(IntegerChoices):
    """How sure an interpreter is."""

    LOW = 1, pgettext_lazy("confidence", "low")
    MEDIUM = 2, pgettext_lazy("confidence", "medium")
    HIGH = 3, pgettext_lazy("confidence", "high")


class ReleveState(TextChoices):
    """Where a relevé stands before anybody judges it."""

    DRAFT = "draft", _("draft")
    SUBMITTED = "submitted", _("submitted")


RELEVE_MOVES: dict[str, tuple[tuple[ReleveState, ...], ReleveState]] = {
    "submit": ((ReleveState.DRAFT,), ReleveState.SUBMITTED),
    "judge": ((ReleveState.SUBMITTED,), ReleveState.SUBMITTED),
}


class ReleveLevel(IntegerChoices):
    """Validation levels of the SINP, with the two that GeoNature adds (0 and 6)."""

    WAITING = 0, _("waiting for validation")
    CERTAIN = 1, _("certain – very probable")
    PROBABLE = 2, _("probable")
    DOUBTFUL = 3, _("doubtful")
    INVALID = 4, _("invalid")
    NOT_FEASIBLE = 5, _("cannot be validated")
    UNKNOWN = 6, _("unknown")


TRAINABLE_LEVELS = (ReleveLevel.CERTAIN, ReleveLevel.PROBABLE)


# Coefficients of abundance and dominance, as phytosociologists write them.
BRAUN_BLANQUET = frozenset({"5", "4", "3", "2", "2a", "2b", "2m", "1", "+", "r", "i"})


class DatePrecision(TextChoices):
    """How much of the date the observer gave; nothing is made up to fill it."""

    DAY = "day", _("day")
    MONTH = "month", _("month")
    YEAR = "year", _("year")


class Resolution(TextChoices):
    """How a habitat as cited became one of the legend."""

    EXACT = "exact", _("the legend's own, or within it")
    PROPOSED = "proposed", _("correspondence to be confirmed")
    CONFIRMED = "confirmed", _("confirmed by a person")
    PARENT_ONLY = "parent_only", _("only its parent is sure")
    UNRESOLVED = "unresolved", _("no correspondence known")


class TrainingObstacle(TextChoices):
    """Why a relevé does not teach the map."""

    DRAFT = "draft", _("It is a draft: submit it.")
    LEVEL = "level", _("A scientific validator has not judged it certain or probable.")
    STALE = "stale", _("It changed since it was judged: a validator must look at it again.")
    DATE = "date", _("It has no date, so nobody knows which year it describes.")
    HABITAT = "habitat", _("Its habitat has no confirmed correspondence in the legend.")
    MOSAIC = "mosaic", _("It is a mosaic in which no habitat covers three quarters.")
    VAGUE = "vague", _("Its position is too vague for the cells of the map.")
