"""The map of a year weighed with the one of the year before: a habitat flips only where both years ask for it."""

from collections.abc import Mapping
from typing import Any

from habitats import queries
from habitats.mapping import (
    RASTERS,
    approved_version_of,
    frozen_samples,
    legend_types,
    mapped_outputs,
    published_scores,
)
from habitats.models import Vintage
from ml.compute.classmaps import class_codes
from ml.compute.errors import RasterError
from ml.compute.stabilising import StabilityCounts, stabilise_maps
from ml.compute.year_maps import YearMap
from ml.compute.year_writing import StabilityOutputs
from ml.errors import MissingFileError
from ml.models import Artefact
from ml.run_session import RunSession
from ml.storage import path_of, store_file


def weigh_years(session: RunSession) -> Mapping[str, Any]:
    """Weigh the new map with the shown one of the year before, which hands on what earlier years said.

    Corrections bind afterwards. A first year, a run whose parameter `weigh_years` is false, another grid, a habitat
    that has left the legend or a file that is gone leave the map as it was drawn; the step says why.
    """
    earlier = queries.vintage_before_year(session.run.year)
    if earlier is None or not session.run.parameters.get("weigh_years", True):
        return {"earlier": None}
    session.progress(1, 3)
    paths = {name: session.work_dir / f"weighed-{name}.tif" for name in RASTERS}
    outputs = StabilityOutputs(
        classes=(None, paths["classes"]), last_confidence=paths["confidence"], last_runner_ups=paths["runner_ups"]
    )
    try:
        before = _map_of(earlier)
        if gone := sorted(set(class_codes(before.classes).values()) - set(legend_types())):
            return {"earlier": None, "why": f"no longer in the legend: {', '.join(gone)}"}
        counts = stabilise_maps([before, _new_map(session)], outputs)
    except (RasterError, MissingFileError) as error:
        return {"earlier": None, "why": str(error)}
    session.progress(2, 3)
    metrics = published_scores(paths["classes"], frozen_samples(session, approved_version_of(session.run)))
    at = session.now()
    weighed = {name: store_file(path, at=at).pk for name, path in paths.items()}
    return {"earlier": earlier.pk, "weighed": {**weighed, "metrics": metrics}, "counts": _as_json(counts)}


def _map_of(vintage: Vintage) -> YearMap:
    return YearMap(*(path_of(getattr(vintage, name)) for name in RASTERS))


def _new_map(session: RunSession) -> YearMap:
    outputs = mapped_outputs(session)
    found = Artefact.objects.in_bulk([outputs[name] for name in RASTERS])
    return YearMap(*(path_of(found[outputs[name]]) for name in RASTERS))


def _as_json(counts: StabilityCounts) -> dict[str, int]:
    names = ("cells", "changed_before", "changed_after", "relabelled")
    return {name: getattr(counts, name) for name in names}
