"""What can go wrong with the input of the engine.

Every message is one plain sentence that names the file, the row or the field at fault and the way out.
"""

from typing import ClassVar


class ComputeError(Exception):
    """The engine cannot go on; the message says where and what to do."""

    code: ClassVar[str] = "compute_error"


class RegionFolderError(ComputeError):
    """A region folder lacks a part, or region.toml or the territories are wrong."""

    code = "region_folder_error"


class StackError(ComputeError):
    """The predictors of a year are missing, misaligned or mislabelled."""

    code = "stack_error"


class SampleError(ComputeError):
    """The reference samples are missing, mislabelled or drawn wrong."""

    code = "sample_error"


class LegendError(ComputeError):
    """The legend has a row that cannot be used."""

    code = "legend_error"


class ModelFileError(ComputeError):
    """A model file is unreadable, or does not fit the stack it is asked to classify."""

    code = "model_file_error"


class RasterError(ComputeError):
    """A raster given as input or asked as output cannot be read or written."""

    code = "raster_error"


class ZoneError(ComputeError):
    """The zones of a zonal table lack a field, a name or a projection."""

    code = "zone_error"


class AuditError(ComputeError):
    """The audit points, the confusion matrix or the strata areas cannot be used."""

    code = "audit_error"


class DistributionError(ComputeError):
    """The presences, the background or the predictors of a species cannot be used."""

    code = "distribution_error"


class CoverageError(ComputeError):
    """An outline cannot be drawn into the map without leaving a gap or an overlap."""

    code = "coverage_error"


class TransitionError(ComputeError):
    """What may become what within a year is missing or written wrong."""

    code = "transition_error"


class LineageError(ComputeError):
    """The polygons of two maps lack a field, a projection or a common one."""

    code = "lineage_error"


class StoreError(ComputeError):
    """The storage that machines share cannot be read or written, or lacks a part."""

    code = "store_error"
