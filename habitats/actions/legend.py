"""Every write about the legend."""

from collections.abc import Sequence

from django.db import transaction

from habitats.models import HabitatType, LegendEntry, Typology
from ml.compute.region import LegendRow


@transaction.atomic
def store_legend(*, typology_code: str, typology_name: str, rows: Sequence[LegendRow]) -> dict[str, HabitatType]:
    """Write the habitats of a legend into its typology, and make them the region's legend.

    Args:
        typology_code: e.g. "EUNIS2012", or "legend:NAME".
        typology_name: for people; kept where the typology is already known.
        rows: in the order of the legend.

    Returns:
        Habitat types by code.
    """
    typology, _created = Typology.objects.get_or_create(code=typology_code, defaults={"name": typology_name})
    known = {habitat.code: habitat for habitat in typology.types.all()}
    HabitatType.objects.bulk_create(
        [_habitat(typology, row, known.get(row.code)) for row in rows],
        update_conflicts=True,
        unique_fields=["typology", "code"],
        update_fields=["label_fr", "label_en"],
    )
    types = {habitat.code: habitat for habitat in HabitatType.objects.filter(typology=typology)}
    children = [types[row.code] for row in rows if row.parent_code in types]
    for row in rows:
        if row.parent_code in types:
            types[row.code].parent = types[row.parent_code]
    HabitatType.objects.bulk_update(children, ["parent"])
    LegendEntry.objects.all().delete()
    LegendEntry.objects.bulk_create(
        LegendEntry(habitat_type=types[row.code], position=position, color=row.color, stake=row.stake)
        for position, row in enumerate(rows, start=1)
    )
    return {row.code: types[row.code] for row in rows}


def _habitat(typology: Typology, row: LegendRow, known: HabitatType | None) -> HabitatType:
    """A legend that leaves a name empty does not erase the typology's own."""
    label_fr = row.label_fr or (known.label_fr if known else "")
    label_en = row.label_en or (known.label_en if known else "")
    return HabitatType(typology=typology, code=row.code, label_fr=label_fr, label_en=label_en)
