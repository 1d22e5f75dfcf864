import numpy as np
import pandas as pd
import pytest
import rasterio

from ml.compute.simulation import SimulationOptions, simulate_region
from ml.compute.simulation.habitats import CODES
from ml.compute.simulation.releves import COLUMNS, RELEVES_A_YEAR


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    place = tmp_path_factory.mktemp("handed-in")
    options = SimulationOptions(seed=7, size_px=160, years=(2024,), date_count=1)
    simulate_region(place / "region", options=options, truth_dir=place / "truth")
    return place


def test_partners_hand_in_some_eighty_releves_a_year(home):
    table = pd.read_csv(home / "region" / "releves" / "2024.csv")
    assert tuple(table.columns) == COLUMNS
    assert len(table) == RELEVES_A_YEAR
    assert table["id_releve"].is_unique
    assert set(table["habitat"]) <= set(CODES)
    assert table["date"].str.startswith("2024-").all()
    assert table["recouvrement_pct"].between(80, 100).all()


def test_most_are_right_and_some_are_not(home):
    table = pd.read_csv(home / "region" / "releves" / "2024.csv")
    with rasterio.open(home / "truth" / "truth_2024.tif") as truth:
        found = [CODES[next(truth.sample([place]))[0] - 1] for place in zip(table["x"], table["y"], strict=True)]
    right = (np.array(found) == table["habitat"].to_numpy()).mean()
    assert 0.6 < right < 1
