"""Taxa and observations from files."""

from species.importers.observations import DatasetFacts, ObservationReport, import_observation_file
from species.importers.taxa import TaxonReport, import_taxon_file

__all__ = ["DatasetFacts", "ObservationReport", "TaxonReport", "import_observation_file", "import_taxon_file"]
