"""Tables of species, by concern."""

from species.models.observations import Observation, ObservationDataset
from species.models.taxa import Taxon

__all__ = ["Observation", "ObservationDataset", "Taxon"]
