"""Small simulated regions, generated once a session."""

from ml.compute.simulation import SimulationOptions, simulate_region

SMALL_PX = 160


def simulated_folder(tmp_path_factory, *, years=(2024, 2025), size_px=SMALL_PX):
    """The folder of a small simulated region; the same call gives the same folder."""
    base = tmp_path_factory.getbasetemp() / f"simulated-{size_px}-{'-'.join(map(str, years))}"
    folder = base / "demo"
    if not (folder / "region.toml").exists():
        simulate_region(
            folder, options=SimulationOptions(seed=1, years=years, size_px=size_px), truth_dir=base / "truth"
        )
    return folder
