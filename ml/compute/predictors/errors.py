"""What can go wrong while predictors are made."""

from ml.compute.errors import ComputeError


class PredictorError(ComputeError):
    """The recipe of the predictors, or what it points at, cannot be used."""

    code = "predictor_error"


class CatalogueError(PredictorError):
    """A STAC catalogue or one of its images does not answer as it should."""

    code = "catalogue_error"


class StackManifestError(PredictorError):
    """A file of a year's stack is missing or is not the one that its manifest names."""

    code = "stack_manifest_error"
