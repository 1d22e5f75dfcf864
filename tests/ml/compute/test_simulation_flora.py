"""Plant observations of the simulated region."""

import numpy as np
import pandas as pd
import pytest

from ml.compute.simulation.flora import COLUMNS, observe_flora
from ml.compute.simulation.landscape import lay_out_landscape
from ml.compute.simulation.options import SimulationOptions


@pytest.fixture(scope="module")
def flora():
    options = SimulationOptions(seed=3, size_px=120)
    return observe_flora(options, lay_out_landscape(options))


def test_observations_have_darwin_core_columns_and_distinct_identifiers(flora):
    assert tuple(flora.columns) == COLUMNS
    assert flora["occurrenceID"].is_unique


def test_about_sixty_species_are_seen(flora):
    assert 50 <= flora["scientificName"].nunique() <= 80


def test_a_taxon_has_one_identifier_that_is_no_taxref_number(flora):
    assert (flora.groupby("scientificName")["taxonID"].nunique() == 1).all()
    assert flora["taxonID"].str.startswith("SIM-").all()


def test_observations_lie_near_the_gulf_of_lion_and_precede_the_first_year(flora):
    assert flora["decimalLongitude"].astype(float).between(2.8, 3.3).all()
    assert flora["decimalLatitude"].astype(float).between(42.8, 43.2).all()
    assert pd.to_datetime(flora["eventDate"]).dt.year.between(2015, 2024).all()


def test_dune_plants_grow_south_east_of_mountain_plants(flora):
    place = flora.set_index("scientificName")["decimalLongitude"].astype(float)

    assert np.median(place["Eryngium maritimum"]) > np.median(place["Pinus uncinata"])
