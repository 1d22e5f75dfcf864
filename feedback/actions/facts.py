"""What a reviewer says, as pages, programs and drafts hand it over."""

import datetime
import hashlib
import json
import uuid
from dataclasses import dataclass

from django.contrib.gis.geos import GEOSGeometry

from feedback.models import Report, Round
from habitats.models import HabitatType


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """What a reviewer says.

    Attributes:
        client_uuid: made by the client; the same again is the same report.
        round: the round it belongs to.
        polygons: primary key and version seen of each polygon chosen.
        outline: drawn by the author, SRID 4326.
        error_type: an ErrorType.
        proposed_type: what the habitat should be.
        comment: in the author's words.
        observed_on: when the author saw it.
        evidence_type: an EvidenceType.
        confidence: 1 to 3.
        declares_interest: whether the author's organisation has an interest in the place.
        simulated_seed: what drew it, in the demonstration.
    """

    client_uuid: uuid.UUID
    round: Round
    polygons: tuple[tuple[int, int], ...] = ()
    outline: GEOSGeometry | None = None
    error_type: str = ""
    proposed_type: HabitatType | None = None
    comment: str = ""
    observed_on: datetime.date | None = None
    evidence_type: str = ""
    confidence: int | None = None
    declares_interest: bool | None = None
    simulated_seed: str = ""

    def sha256(self) -> str:
        """The same body gives the same hash, whatever the order of its polygons."""
        body = {
            "round": self.round.pk,
            "polygons": sorted(self.polygons),
            "outline": self.outline.hex.decode() if self.outline else None,
            "error_type": str(self.error_type),
            "proposed_type": self.proposed_type.pk if self.proposed_type else None,
            "comment": self.comment,
            "observed_on": self.observed_on.isoformat() if self.observed_on else None,
            "evidence_type": str(self.evidence_type),
            "confidence": self.confidence,
            "declares_interest": self.declares_interest,
        }
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def facts_of(report: Report) -> ReportFacts:
    """The facts of a draft, as it was saved."""
    lines = report.polygons.order_by("number")
    return ReportFacts(
        client_uuid=report.client_uuid,
        round=report.round,
        polygons=tuple((line.polygon_id or 0, line.version_seen) for line in lines),
        outline=report.geometry if report.is_drawn else None,
        error_type=report.error_type,
        proposed_type=report.proposed_type,
        comment=report.comment,
        observed_on=report.observed_on,
        evidence_type=report.evidence_type,
        confidence=report.confidence,
        declares_interest=report.declares_interest,
        simulated_seed=report.simulated_seed,
    )
