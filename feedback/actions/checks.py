"""What a report must be to be sent: looked up on the map, then checked one thing after the other."""

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.gis.gdal import GDALException
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon, WKBWriter
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError
from feedback.actions.facts import ReportFacts
from feedback.errors import PolygonsSeenChangedError, RoundForbidsError
from feedback.models import Round
from feedback.queries.ground import STAKE_ORDER, polygons_under, stake_of, with_stakes
from feedback.states import ErrorType, EvidenceType
from habitats.models import Polygon, Vintage
from habitats.queries import mappable_legend
from habitats.states import VintageState

# Django knows no FOR KEY SHARE; a foreign key takes the same lock, only later.
_KEPT_VINTAGE = "SELECT * FROM habitats_vintage WHERE region_id = %s AND year = %s AND state = %s FOR KEY SHARE"
DAYS_IN_A_YEAR = 365.25
HABITAT_ERRORS = (ErrorType.ATTRIBUTE, ErrorType.BOTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The contested place on the map.

    Attributes:
        vintage: the map.
        polygons: those contested.
        geometry: the outline, or the polygons' own; SRID 4326.
        area_m2: in the region's CRS.
        covered: what lies under the outline besides, chosen or not.
    """

    vintage: Vintage
    polygons: list[Polygon]
    geometry: GEOSGeometry
    area_m2: float
    covered: Sequence[Polygon] = ()

    @property
    def stakes(self) -> list[str]:
        """The stakes of the habitats on the map."""
        return [stake_of(polygon.habitat_type) for polygon in (*self.polygons, *self.covered)]


def look_up_ground(facts: ReportFacts, round_: Round) -> Ground:
    """Find the contested place on the map as it stands.

    Raises:
        InvalidFieldsError: no place, too many polygons, or an outline that cannot be one.
        RoundForbidsError: there is no working map of the round's year.
        PolygonsSeenChangedError: the map is no longer what the author saw.
    """
    vintage = require_vintage(round_)
    outline = checked_outline(facts.outline, round_) if facts.outline else None
    _require_a_place(facts)
    polygons = chosen_polygons(facts, vintage) if facts.polygons else []
    if outline is None:
        shape = union_of([polygon.geometry for polygon in polygons])
        return Ground(vintage=vintage, polygons=polygons, geometry=shape, area_m2=sum(p.area_m2 for p in polygons))
    under = list(polygons_under(vintage, outline)[: settings.REPORT_MAX_POLYGONS + 1])
    contested = _contested(outline, under, polygons)
    area_m2 = area_of(outline, round_)
    covered = [polygon for polygon in under if _is_covered(polygon, outline, round_)]
    return Ground(vintage=vintage, polygons=contested, geometry=outline, area_m2=area_m2, covered=covered)


def _is_covered(polygon: Polygon, outline: GEOSGeometry, round_: Round) -> bool:
    """Whether an outline holds a cell of a polygon at least: drawn along a limit, it overlaps it by centimetres."""
    common = polygon.geometry.intersection(outline)
    return not common.empty and area_of(common, round_) >= round_.region.resolution_m**2


def require_vintage(round_: Round) -> Vintage:
    """The working map of the round's year; it is not taken away before the end of the transaction.

    A map made again waits for this, then takes the polygons away; asked the other way round, the two would wait for
    each other.
    """
    # Where the map changed while we waited for its row, the second question finds the new one.
    vintage = _kept_vintage(round_) or _kept_vintage(round_)
    if vintage is None:
        raise RoundForbidsError(
            _("The map of %(year)s cannot be contested now: it is published already, or not made yet.")
            % {"year": round_.year}
        )
    return vintage


def _kept_vintage(round_: Round) -> Vintage | None:
    keys = [round_.region_id, round_.year, str(VintageState.WORKING)]
    return next(iter(Vintage.objects.raw(_KEPT_VINTAGE, keys)), None)


def checked_outline(outline: GEOSGeometry, round_: Round) -> GEOSGeometry:
    """The outline in two dimensions and SRID 4326, or an InvalidFieldsError that says what is wrong with it."""
    flat = flattened(outline)
    if flat.num_coords > settings.REPORT_MAX_VERTICES:
        raise _wrong_outline(_("it has more than %(most)s vertices") % {"most": settings.REPORT_MAX_VERTICES})
    if not flat.valid:
        raise _wrong_outline(_("it crosses itself, or a hole leaves it (%(where)s)") % {"where": flat.valid_reason})
    if area_of(flat, round_) < round_.region.resolution_m**2:
        raise _wrong_outline(_("it is smaller than one cell of the map"))
    return flat


def flattened(outline: GEOSGeometry) -> GEOSGeometry:
    """A polygon or several, without heights, in SRID 4326."""
    if outline.geom_type not in ("Polygon", "MultiPolygon") or outline.empty:
        raise _wrong_outline(_("draw one polygon or several"))
    if outline.srid not in (None, 4326) or not _are_degrees(*outline.extent):
        raise _wrong_outline(_("its coordinates are not longitudes and latitudes"))
    return GEOSGeometry(WKBWriter(dim=2).write(outline), srid=4326) if outline.hasz else outline


def _are_degrees(west: float, south: float, east: float, north: float) -> bool:
    bounds = (west, south, east, north)
    return all(map(math.isfinite, bounds)) and -180 <= west <= east <= 180 and -90 <= south <= north <= 90


def _wrong_outline(why: Any) -> InvalidFieldsError:
    sentence = _("The outline cannot be used: %(why)s.") % {"why": why}
    return InvalidFieldsError(sentence, fields={"geometry": sentence})


def area_of(place: GEOSGeometry, round_: Round) -> float:
    """The area of a place (m²), in the region's CRS.

    Raises:
        InvalidFieldsError: the CRS does not reach there.
    """
    flat = place.clone()
    flat.srid = 4326
    try:
        area = float(flat.transform(round_.region.epsg, clone=True).area)
    except GDALException:  # near a pole, say, where the projection has no place for it
        area = math.inf
    if not math.isfinite(area):
        raise _wrong_outline(_("the map shows nothing there"))
    return area


def union_of(outlines: Sequence[GEOSGeometry]) -> GEOSGeometry:
    """One shape of several outlines, SRID 4326."""
    if len(outlines) == 1:
        return outlines[0]
    shape = MultiPolygon(*outlines, srid=4326).unary_union
    shape.srid = 4326
    return shape


def _require_a_place(facts: ReportFacts) -> None:
    if not facts.polygons and facts.outline is None:
        sentence = _("Choose at least one polygon, or draw an outline.")
        raise InvalidFieldsError(sentence, fields={"polygons": sentence})
    if len(facts.polygons) > settings.REPORT_MAX_POLYGONS:
        raise _too_many()


def _too_many() -> InvalidFieldsError:
    sentence = _("More than %(most)s polygons at once: send several reports.") % {"most": settings.REPORT_MAX_POLYGONS}
    return InvalidFieldsError(sentence, fields={"polygons": sentence})


def chosen_polygons(facts: ReportFacts, vintage: Vintage) -> list[Polygon]:
    """The polygons chosen, each at the version seen; else what changed."""
    found = {polygon.pk: polygon for polygon in with_stakes(Polygon.objects.filter(pk__in=dict(facts.polygons)))}
    changed = [
        _change(pk, version, found.get(pk), vintage)
        for pk, version in facts.polygons
        if pk not in found or found[pk].vintage_id != vintage.pk or found[pk].version != version
    ]
    if changed:
        raise PolygonsSeenChangedError(changed)
    return sorted(found.values(), key=lambda polygon: polygon.number)


def _change(pk: int, version: int, polygon: Polygon | None, vintage: Vintage) -> dict[str, Any]:
    stands = polygon is not None and polygon.vintage_id == vintage.pk
    return {
        "id": pk,
        "number": polygon.number if polygon else None,
        "version_seen": version,
        "version": polygon.version if polygon and stands else None,
        "code": polygon.habitat_type.code if polygon and stands else None,
    }


def _contested(outline: GEOSGeometry, under: list[Polygon], chosen: list[Polygon]) -> list[Polygon]:
    if chosen:
        if not any(polygon.geometry.relate_pattern(outline, "T********") for polygon in chosen):
            raise _wrong_outline(_("it lies outside of the polygons that you chose"))
        return chosen
    if not under:
        raise _wrong_outline(_("the map shows nothing there"))
    if len(under) > settings.REPORT_MAX_POLYGONS:
        raise _too_many()
    return under


def require_complete(facts: ReportFacts, ground: Ground, *, on: datetime.date) -> None:
    """Raise InvalidFieldsError, with a sentence for each field at fault."""
    fields = {
        **_wrong_words(facts),
        **_wrong_date(facts, on),
        **_wrong_proposal(facts, ground),
        **_wrong_size(facts, ground),
    }
    if fields:
        raise InvalidFieldsError(" ".join(dict.fromkeys(map(str, fields.values()))), fields=fields)


def _wrong_words(facts: ReportFacts) -> dict[str, Any]:
    wrong: dict[str, Any] = {}
    if facts.error_type not in ErrorType.values:
        wrong["error_type"] = _("Say what is wrong: the habitat, the outline, or both.")
    if facts.evidence_type not in EvidenceType.values:
        wrong["evidence_type"] = _("Say what you know it from.")
    if facts.confidence not in (1, 2, 3):
        wrong["confidence"] = _("Say how sure you are, from 1 to 3.")
    if len(facts.comment) > settings.REPORT_MAX_COMMENT:
        wrong["comment"] = _("At most %(most)s characters.") % {"most": settings.REPORT_MAX_COMMENT}
    return wrong


def _wrong_date(facts: ReportFacts, on: datetime.date) -> dict[str, Any]:
    if facts.observed_on is None:
        if facts.evidence_type == EvidenceType.KNOWLEDGE:
            return {}
        return {"observed_on": _("Say when you saw it, or the date of the picture or document.")}
    if facts.observed_on > on:
        return {"observed_on": _("This day is still to come.")}
    years = settings.REPORT_MAX_OBSERVATION_YEARS
    if on - facts.observed_on > datetime.timedelta(days=round(DAYS_IN_A_YEAR * years)):
        return {"observed_on": _("More than %(years)s years ago: the ground may have changed.") % {"years": years}}
    return {}


def _wrong_proposal(facts: ReportFacts, ground: Ground) -> dict[str, Any]:
    proposed = facts.proposed_type
    if proposed is None:
        if facts.error_type in HABITAT_ERRORS:
            return {"proposed": _("Say which habitat it should be.")}
        return {}
    if not mappable_legend().filter(habitat_type=proposed).exists():
        return {"proposed": _("%(code)s is not a habitat of this map's legend.") % {"code": proposed.code}}
    same = [polygon for polygon in ground.polygons if polygon.habitat_type_id == proposed.pk]
    # Under an outline another polygon may carry the habitat already: it only has to grow.
    is_shown_already = bool(same) and (facts.outline is None or len(same) == len(ground.polygons))
    if facts.error_type == ErrorType.ATTRIBUTE and is_shown_already:
        return {"proposed": _("The map shows %(code)s there already.") % {"code": proposed.code}}
    if lowers_stake(facts, ground) and facts.declares_interest is None:
        return {
            "declares_interest": _(
                "This would lower the stake of the place: say whether your organisation has an interest there."
            )
        }
    return {}


def _wrong_size(facts: ReportFacts, ground: Ground) -> dict[str, Any]:
    if ground.area_m2 <= settings.REPORT_MAX_AREA_M2:
        return {}
    field = "polygons" if facts.outline is None else "geometry"
    return {
        field: _("%(hectares)s ha at once are too many (at most %(most)s): draw the part that is wrong.")
        % {"hectares": round(ground.area_m2 / 10_000), "most": round(settings.REPORT_MAX_AREA_M2 / 10_000)}
    }


def lowers_stake(facts: ReportFacts, ground: Ground) -> bool:
    """Whether the proposed habitat has a lower stake than one of those on the map."""
    if facts.proposed_type is None:
        return False
    proposed = STAKE_ORDER.index(stake_of(facts.proposed_type))
    return any(STAKE_ORDER.index(stake) > proposed for stake in ground.stakes)
