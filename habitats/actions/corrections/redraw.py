"""Write what a repaint made of the polygons, and keep each before and after."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

import numpy as np
import shapely
from django.contrib.gis.geos import Polygon as Outline
from django.db.models import F, Max

from habitats.actions.corrections.neighbourhood import Guess, Neighbourhood, as_outline
from habitats.models import CorrectedPiece, Correction, Polygon, Vintage
from ml.compute.coverage import Piece, Repainted, Share
from ml.compute.exact_projection import TILES, to_tiles


def redraw(
    neighbourhood: Neighbourhood, repainted: Repainted, correction: Correction, guesses: Sequence[Guess]
) -> None:
    """Write the changed, new and gone polygons of a repaint.

    Args:
        neighbourhood: the polygons that were painted.
        repainted: what became of them.
        correction: what asked for it.
        guesses: confidence and runner-ups of the ground that each paint covers.
    """
    vintage = neighbourhood.vintage
    before = [as_piece(polygon, correction) for polygon in neighbourhood.polygons]
    outlines = _outlines(neighbourhood, repainted)
    written: list[CorrectedPiece] = []
    fresh: list[Polygon] = []
    number = next_number(vintage)
    for piece, (plain, tiles) in zip(repainted.pieces, outlines, strict=True):
        if piece.parent is None:
            polygon = Polygon(vintage=vintage, number=number, version=1)
            number += 1
            fresh.append(polygon)
            record = CorrectedPiece(correction=correction, vintage=vintage, number=polygon.number)
        else:
            polygon, record = neighbourhood.polygons[piece.parent], before[piece.parent]
            polygon.version += 0 if piece.is_same_ground else 1
        _fill(polygon, piece, _guess(piece, neighbourhood.polygons, guesses))
        polygon.geometry, polygon.geometry_3857 = plain, tiles
        if piece.parent is not None:
            polygon.save()
        written.append(with_after(record, polygon))
    Polygon.objects.bulk_create(fresh)
    gone = [neighbourhood.polygons[place] for place in repainted.gone]
    remove_polygons(vintage, gone)
    written += [before[place] for place in repainted.gone]
    CorrectedPiece.objects.bulk_create(written)
    count_polygons(vintage, len(fresh) - len(gone))


def next_number(vintage: Vintage) -> int:
    """After the greatest number ever given in the vintage: a number that is gone never names another polygon."""
    standing = Polygon.objects.filter(vintage=vintage).aggregate(last=Max("number"))["last"] or 0
    written = CorrectedPiece.objects.filter(vintage=vintage).aggregate(last=Max("number"))["last"] or 0
    return int(max(standing, written)) + 1


def count_polygons(vintage: Vintage, more: int) -> None:
    """Keep the number of polygons of a vintage right."""
    if more:
        Vintage.objects.filter(pk=vintage.pk).update(polygon_count=F("polygon_count") + more)


def remove_polygons(vintage: Vintage, polygons: Iterable[Polygon]) -> None:
    """Remove polygons that others have taken."""
    numbers = [polygon.number for polygon in polygons]
    if numbers:
        Polygon.objects.filter(vintage=vintage, number__in=numbers).delete()


def as_piece(polygon: Polygon, correction: Correction) -> CorrectedPiece:
    """A polygon as it stands, before a correction."""
    return CorrectedPiece(
        correction=correction,
        vintage_id=polygon.vintage_id,
        number=polygon.number,
        version_before=polygon.version,
        type_before_id=polygon.habitat_type_id,
        area_before_m2=polygon.area_m2,
        guess_before=asdict(Guess.of(polygon)),
        geometry_before=polygon.geometry,
    )


def with_after(piece: CorrectedPiece, polygon: Polygon) -> CorrectedPiece:
    """Add what a polygon became."""
    piece.version_after, piece.type_after_id = polygon.version, polygon.habitat_type_id
    piece.area_after_m2, piece.geometry_after = polygon.area_m2, polygon.geometry
    return piece


def _outlines(neighbourhood: Neighbourhood, repainted: Repainted) -> list[tuple[Outline, Outline]]:
    """In degrees and for tiles."""
    metres = np.array([piece.outline for piece in repainted.pieces], object)
    degrees = neighbourhood.projection.to_degrees(metres)
    return [
        (as_outline(plain), as_outline(tiles, TILES)) for plain, tiles in zip(degrees, to_tiles(degrees), strict=True)
    ]


def _fill(polygon: Polygon, piece: Piece, guess: Guess) -> None:
    polygon.habitat_type_id = int(piece.code)
    polygon.area_m2 = float(shapely.area(piece.outline))
    for name, value in asdict(guess).items():
        setattr(polygon, name, value)


def _guess(piece: Piece, polygons: Sequence[Polygon], guesses: Sequence[Guess]) -> Guess:
    """The guess of most of the ground that had or was given the code; confidence is the mean over that ground."""

    def guess_of(share: Share) -> Guess:
        return guesses[share.paint] if share.paint >= 0 else Guess.of(polygons[share.parent])

    def has_code(share: Share) -> bool:
        return share.paint >= 0 or str(polygons[share.parent].habitat_type_id) == piece.code

    shares = [share for share in piece.shares if has_code(share)]
    largest = guess_of(max(shares, key=lambda share: share.area_m2))
    area = sum(share.area_m2 for share in shares)
    mean = sum(guess_of(share).confidence * share.area_m2 for share in shares) / area
    return Guess(**{**asdict(largest), "confidence": round(mean)})
