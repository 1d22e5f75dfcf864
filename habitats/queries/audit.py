"""Questions about audit samples. What is sealed is asked here only by the labelling and by the opening."""

import hashlib
from typing import Any

from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from bioccia.errors import StateForbidsError
from habitats.models import AuditLabel, AuditPoint, AuditSample, HabitatType, LegendEntry, Polygon, Vintage
from habitats.queries.maps import mappable_legend
from habitats.states import AuditState
from ml.compute.sampling import canonical_text_of
from territories.models import User

UNMAPPED = "-"


def audit_of(year: int) -> AuditSample | None:
    """The audit sample of a year: the last draw, where it was drawn again."""
    return AuditSample.objects.filter(year=year).order_by("-number").first()


def facts_of(audit: AuditSample) -> dict[str, Any]:
    """What is public from the draw on; with the points, it is the document whose hash was published."""
    return {
        "region": audit.region.slug,
        "epsg": audit.region.epsg,
        "year": audit.year,
        "number": audit.number,
        "seed": audit.seed,
        "size": audit.size,
        "strata_areas_m2": audit.strata_areas,
        "design": audit.design,
    }


def hash_of_secret(secret: str) -> str:
    """What is published of the second half of the seed: empty for a draw that anybody may repeat."""
    return hashlib.sha256(secret.encode()).hexdigest() if secret else ""


def opened_document(audit: AuditSample) -> str:
    """The very text whose SHA-256 was published before mapping.

    Raises:
        StateForbidsError: the audit is still sealed.
    """
    require_opened(audit)
    rows = audit.points.order_by("number").values_list("number", "x", "y", "stratum", "inclusion_probability")
    return canonical_text_of(rows, facts_of(audit))


def require_opened(audit: AuditSample) -> None:
    """Raise StateForbidsError while the points are sealed."""
    if not audit.is_opened:
        raise StateForbidsError(
            _("The points of audit sample %(audit)s are sealed until its opening.") % {"audit": audit}
        )


def waiting_points(audit: AuditSample, person: User) -> QuerySet[AuditPoint]:
    """The points that a person may label now, by number."""
    if audit.state in (AuditState.CLOSED, AuditState.OPENED):
        return AuditPoint.objects.none()
    return AuditPoint.objects.filter(audit=audit).waiting_for(person.pk).order_by("number")


def own_labels(audit: AuditSample, person: User) -> QuerySet[AuditLabel]:
    """What a person said, point by point; never what others said."""
    mine = AuditLabel.objects.filter(point__audit=audit, interpreter=person)
    return mine.select_related("habitat_type__legend_entry", "point").order_by("point__number")


def labelling_counts(audit: AuditSample) -> dict[str, int]:
    """How far the labelling is, in numbers of points: nothing about any of them."""
    return (
        AuditPoint.objects.filter(audit=audit)
        .counted()
        .aggregate(
            points=Count("pk"),
            labelled_once=Count("pk", filter=Q(blind_labels=1)),
            labelled_twice=Count("pk", filter=Q(blind_labels__gte=2)),
            in_disagreement=Count("pk", filter=AuditPoint.objects.in_disagreement()),
            arbitrated=Count("pk", filter=Q(arbitrations__gt=0)),
        )
    )


def labellable_types() -> QuerySet[HabitatType]:
    """The habitats that a map may show: what an interpreter chooses from."""
    return HabitatType.objects.filter(legend_entry__in=mappable_legend()).order_by("legend_entry__position")


def legend_parents() -> dict[str, str]:
    """The code of the parent of each code of the legend; empty where it has none."""
    rows = LegendEntry.objects.values_list("habitat_type__code", "habitat_type__parent__code")
    return {code: parent or "" for code, parent in rows}


def mapped_types(audit: AuditSample, vintage: Vintage) -> dict[int, int | None]:
    """The habitat that a vintage's polygons show at each point, by primary keys; None where it shows nothing."""
    under = Polygon.objects.filter(vintage=vintage, geometry__intersects=OuterRef("point")).order_by("number")
    points = AuditPoint.objects.filter(audit=audit).annotate(shown=Subquery(under.values("habitat_type")[:1]))
    return dict(points.values_list("pk", "shown"))


def reference_rows(audit: AuditSample) -> list[dict[str, Any]]:
    """Each point with what its labels make of it: agreed, arbitrated, or not interpretable.

    Returns:
        Dictionaries `point` (AuditPoint), `reference` (HabitatType or None), `was_arbitrated`, by number.
    """
    labels = AuditLabel.objects.select_related("habitat_type__legend_entry").order_by("pk")
    points = audit.points.select_related("map_type__legend_entry").order_by("number")
    rows = []
    for point in points.prefetch_related(Prefetch("labels", labels)):
        given = list(point.labels.all())
        deciding = next((label for label in given if label.is_arbitration), None) if _differ(given) else given[0]
        rows.append(
            {
                "point": point,
                "reference": deciding.habitat_type if deciding else None,
                "was_arbitrated": _differ(given),
                "labels": given,
            }
        )
    return rows


def _differ(labels: list[AuditLabel]) -> bool:
    """Whether the blind labels of a point disagree."""
    return len({label.habitat_type_id for label in labels if not label.is_arbitration}) > 1
