"""Finds the taxon that a citation means, among those of the reference lists."""

from django.db.models import F

from species.importers.names import bare_name_key, name_key
from species.models import Taxon


class TaxonFinder:
    """Finds a taxon by TAXREF number, by the number in its list, then by name; reads the names once."""

    def __init__(self) -> None:
        self.by_cd_nom: dict[int, int] = {}
        self.by_source_id: dict[str, list[int]] = {}
        self.by_key: dict[str, int] = {}
        self.by_bare_key: dict[str, int] = {}
        self.key_of: dict[int, str] = {}
        # Where a name stands twice: accepted names first, then TAXREF's, by number.
        rows = Taxon.objects.from_references().order_by(
            F("accepted").asc(nulls_first=True), F("cd_nom").asc(nulls_last=True), "pk"
        )
        for pk, source_id, cd_nom, name in rows.values_list("pk", "source_id", "cd_nom", "scientific_name"):
            self._learn(pk, source_id, cd_nom, name)

    def _learn(self, pk: int, source_id: str, cd_nom: int | None, name: str) -> None:
        if cd_nom is not None:
            self.by_cd_nom.setdefault(cd_nom, pk)
        self.by_source_id.setdefault(source_id, []).append(pk)
        self.key_of[pk] = name_key(name)
        self.by_key.setdefault(self.key_of[pk], pk)
        self.by_bare_key.setdefault(bare_name_key(name), pk)

    def find(self, *, cd_nom: int | None, taxon_id: str, name: str) -> int | None:
        """The primary key of the taxon; None if nothing stored is meant.

        A TAXREF number decides. The number of another list decides only where the name agrees: the same number means
        different species in different lists.
        """
        if cd_nom is not None and cd_nom in self.by_cd_nom:
            return self.by_cd_nom[cd_nom]
        key = name_key(name)
        for pk in self.by_source_id.get(taxon_id, []):
            if not key or self.key_of[pk] == key:
                return pk
        return (self.by_key.get(key) or self.by_bare_key.get(bare_name_key(name))) if key else None
