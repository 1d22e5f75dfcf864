"""Names of species: those of a reference list, and those only cited by an observation."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from species.states import TaxonRank

CITED = "cited"


class TaxonQuerySet(models.QuerySet["Taxon"]):
    """Questions about taxa."""

    def named_like(self, text: str) -> Self:
        """Those with a name that holds the text, without regard to accents or case; beginnings first."""
        return self.filter(
            Q(scientific_name__unaccent__icontains=text)
            | Q(vernacular_fr__unaccent__icontains=text)
            | Q(vernacular_en__unaccent__icontains=text)
        ).order_by(
            models.Case(models.When(scientific_name__unaccent__istartswith=text, then=0), default=1),
            "scientific_name",
            "pk",
        )

    def only_cited(self) -> Self:
        """Those that no reference list holds."""
        return self.filter(source=CITED)

    def from_references(self) -> Self:
        """Those of a reference list."""
        return self.exclude(source=CITED)


class Taxon(models.Model):
    """One scientific name; a synonym points to the accepted one."""

    source = models.CharField(_("reference list"), max_length=60, help_text=_("“cited”: known by observations only."))
    source_id = models.CharField(_("number in the list"), max_length=200)
    cd_nom = models.PositiveIntegerField(_("TAXREF number"), null=True, blank=True)
    accepted = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="synonyms", verbose_name=_("accepted name")
    )
    scientific_name = models.CharField(_("scientific name"), max_length=300)
    authorship = models.CharField(_("authorship"), max_length=300, blank=True)
    vernacular_fr = models.CharField(_("French name"), max_length=500, blank=True)
    vernacular_en = models.CharField(_("English name"), max_length=500, blank=True)
    rank = models.CharField(_("rank"), max_length=60, blank=True)
    family = models.CharField(_("family"), max_length=120, blank=True)
    group = models.CharField(_("group"), max_length=120, blank=True)

    objects = TaxonQuerySet.as_manager()

    class Meta:
        verbose_name = _("taxon")
        verbose_name_plural = _("taxa")
        ordering = ["scientific_name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id"], name="taxon_once_per_list"),
            models.CheckConstraint(condition=~Q(scientific_name=""), name="taxon_has_a_name"),
            models.CheckConstraint(
                condition=Q(accepted__isnull=True) | ~Q(accepted=F("id")), name="taxon_is_no_synonym_of_itself"
            ),
        ]
        indexes = [
            models.Index(fields=["cd_nom"], name="taxon_cd_nom"),
            models.Index(fields=["scientific_name"], name="taxon_name"),
        ]

    def __str__(self) -> str:
        return f"{self.scientific_name} {self.authorship}".strip()

    @property
    def vernacular(self) -> str:
        """The everyday name in the language of the page, else in the other one, else nothing."""
        names = (self.vernacular_en, self.vernacular_fr)
        first, second = names if get_language() == "en" else names[::-1]
        return first or second

    @property
    def rank_label(self) -> str:
        """The rank in the language of the page, where it is a common one."""
        return str(TaxonRank(self.rank).label) if self.rank in TaxonRank.values else self.rank
