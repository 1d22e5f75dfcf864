"""A region folder that has no stack yet: what predictors are made for."""

LEGEND = "code,label_fr,label_en,color,parent_code,stake\n1,Un,One,#00ff00,,\n2,Deux,Two,#ff0000,,\n"


def write_region(path, *, epsg=2154, resolution=10.0, recipe=""):
    """Write region.toml, legend.csv and a recipe."""
    path.mkdir(parents=True)
    (path / "region.toml").write_text(
        f'name = "Essai"\nepsg = {epsg}\nresolution_m = {resolution}\nlegend = "legend.csv"\nyears = [2023]\n'
        'attribution = "Nobody"\nlicence = "Licence Ouverte 2.0"\n',
        encoding="utf-8",
    )
    (path / "legend.csv").write_text(LEGEND, encoding="utf-8")
    (path / "predictors.toml").write_text(recipe, encoding="utf-8")
    return path
