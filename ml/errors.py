"""What can end a run's work before its end."""

from django.utils.translation import gettext_lazy as _

from bioccia.errors import BiocciaError, StateForbidsError


class RunOpenError(StateForbidsError):
    """Another run of the region is open."""

    code = "run_open"


class MissingFileError(BiocciaError):
    """A file of the store is gone."""

    code, status, title = "file_missing", 500, _("A file is missing")


class RunLostError(Exception):
    """Another worker has taken the run over, or its lock went with the database: write nothing more."""


class RunStoppedError(Exception):
    """A person asked the run to stop."""


class DecisionAwaitedError(Exception):
    """The run cannot go on before a person has decided."""
