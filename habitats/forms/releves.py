"""Forms of relevés: one relevé, a file of them, judgements, correspondences."""

import datetime
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.gis.geos import GEOSGeometry, Point
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from habitats.actions import CitedHabitat, CitedSpecies, ReleveFacts
from habitats.models import Determination, HabitatType, Releve, Typology
from habitats.queries import region_or_error
from habitats.queries.releve_places import single_point
from habitats.queries.resolution import HabitatResolver
from habitats.states import BRAUN_BLANQUET, DatePrecision, ReleveLevel
from species.importers.taxon_finder import TaxonFinder
from species.states import Diffusion, Precision

FEWEST_HABITATS = 3
COORDINATE_DECIMALS = 6


class CommaFloatField(forms.FloatField):
    """A number with a point or a comma, whatever the language of the page."""

    widget = forms.TextInput(attrs={"inputmode": "decimal"})

    def to_python(self, value: Any) -> Any:
        """Read it."""
        return super().to_python(value.replace(",", ".") if isinstance(value, str) else value)


class ReleveForm(forms.Form):
    """One relevé. Habitats are `typology_N`, `habitat_N`, `cover_N`; the first one is required."""

    dataset = forms.CharField(
        label=_("Dataset"), max_length=200, help_text=_("The campaign or the study; a new name makes a new dataset.")
    )
    observed_on = forms.DateField(
        label=_("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    observers = forms.CharField(
        label=_("Observers"), max_length=500, required=False, help_text=_("Names, separated by commas.")
    )
    longitude = CommaFloatField(label=_("Longitude (degrees)"), min_value=-180, max_value=180)
    latitude = CommaFloatField(label=_("Latitude (degrees)"), min_value=-90, max_value=90)
    accuracy_m = CommaFloatField(label=_("Accuracy of the position (m)"), required=False, min_value=0, max_value=1e5)
    area_m2 = CommaFloatField(label=_("Surveyed area (m²)"), required=False, min_value=0.01, max_value=1e8)
    method = forms.CharField(label=_("Method"), max_length=200, required=False)
    sensitivity = forms.TypedChoiceField(
        label=_("What others may see of the place"), choices=Precision, coerce=int, initial=Precision.EXACT
    )
    species = forms.CharField(
        label=_("Species"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("One to a line, with its Braun-Blanquet coefficient at the end: Thymus vulgaris 2b"),
    )
    comment = forms.CharField(
        label=_("Comment"), required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, releve: Releve | None = None, **kwargs: Any) -> None:
        self.releve = releve
        self.resolver = HabitatResolver(region_or_error().typology_code)
        self.stored = list(releve.determinations.all()) if releve else []
        self.count = max(FEWEST_HABITATS, len(self.stored))
        if releve is not None:
            kwargs["initial"] = _initial(releve)
        super().__init__(*args, **kwargs)
        self._add_habitat_fields()
        if releve is not None:
            self.fields["dataset"].disabled = True

    def _add_habitat_fields(self) -> None:
        typologies = list(Typology.objects.values_list("code", "name"))
        for number in range(self.count):
            self.fields[f"habitat_{number}"] = forms.CharField(
                label=_("Habitat"),
                max_length=300,
                required=number == 0,
                help_text=_("Its code, or a part of its name."),
            )
            self.fields[f"typology_{number}"] = forms.ChoiceField(
                label=_("Typology"), choices=typologies, required=False, initial=self.resolver.legend_typology
            )
            self.fields[f"cover_{number}"] = CommaFloatField(
                label=_("Cover (%)"), required=False, min_value=0, max_value=100
            )

    def habitat_rows(self) -> list[dict[str, Any]]:
        """The bound fields of each habitat, for the template."""
        names = ("habitat", "typology", "cover")
        return [{name: self[f"{name}_{number}"] for name in names} for number in range(self.count)]

    def plain_fields(self) -> list[forms.BoundField]:
        """The fields that stand under the place and the habitats."""
        return [self[name] for name in ("accuracy_m", "area_m2", "method", "sensitivity", "species", "comment")]

    def clean(self) -> dict[str, Any]:
        """Find each habitat, and read the species."""
        cleaned: dict[str, Any] = super().clean() or {}
        cleaned["habitats"] = tuple(found for number in range(self.count) if (found := self._cited(number, cleaned)))
        cleaned["species_cited"] = self._species(cleaned.get("species", ""))
        return cleaned

    def _cited(self, number: int, cleaned: Mapping[str, Any]) -> CitedHabitat | None:
        text = cleaned.get(f"habitat_{number}", "").strip()
        if not text:
            return None
        typology = cleaned.get(f"typology_{number}") or self.resolver.legend_typology
        cover = cleaned.get(f"cover_{number}")
        if kept := self._kept(number, text, typology):
            return CitedHabitat(kept.cited_typology, kept.cited_code, kept.cited_name, cover)
        code = text.split()[0]
        found = self.resolver.find(typology, code)
        if found is not None:
            return CitedHabitat(typology, found.code, found.label, cover)
        if self.resolver.row_around(typology, code) is not None:
            return CitedHabitat(typology, code.upper(), text[len(code) :].strip(), cover)
        closest = self.resolver.closest(typology, code)
        sentence = _("%(code)s is no habitat of %(typology)s here.") % {"code": code, "typology": typology}
        if closest is not None:
            sentence += " " + _("The closest one is %(closest)s.") % {"closest": closest}
        self.add_error(f"habitat_{number}", sentence)
        return None

    def _kept(self, number: int, text: str, typology: str) -> Determination | None:
        """What is stored, to the letter, where nobody typed another habitat."""
        if number >= len(self.stored) or text != self.initial.get(f"habitat_{number}"):
            return None
        return self.stored[number] if typology == self.stored[number].cited_typology else None

    def _species(self, text: str) -> tuple[CitedSpecies, ...]:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        finder = TaxonFinder() if lines else None
        cited = []
        for line in lines:
            name, _space, last = line.rpartition(" ")
            abundance = last.lower() if name and last.lower() in BRAUN_BLANQUET else ""
            shown = (name if abundance else line).strip()[:400]
            taxon = finder.find(cd_nom=None, taxon_id="", name=shown) if finder else None
            cited.append(CitedSpecies(shown, abundance, taxon))
        return tuple(cited)

    def facts(self) -> ReleveFacts:
        """As the actions take them."""
        given = self.cleaned_data
        names = ("observed_on", "observers", "accuracy_m", "area_m2", "method", "comment", "sensitivity", "habitats")
        return ReleveFacts(
            **{name: given[name] for name in names},
            geometry=self._geometry(),
            date_precision=self._date_precision(),
            species=given["species_cited"],
        )

    def _geometry(self) -> GEOSGeometry:
        """The point typed; the outline of an imported relevé where nobody moved its point."""
        typed = (self.cleaned_data["longitude"], self.cleaned_data["latitude"])
        if self.releve is not None and typed == _coordinates(self.releve):
            return self.releve.geometry
        return Point(*typed, srid=4326)

    def _date_precision(self) -> DatePrecision:
        """A month stays a month where nobody typed another day."""
        if self.releve is not None and self.cleaned_data["observed_on"] == self.releve.observed_on:
            return DatePrecision(self.releve.date_precision)
        return DatePrecision.DAY


def _coordinates(releve: Releve) -> tuple[float, float]:
    point = single_point(releve.geometry)
    return round(point.x, COORDINATE_DECIMALS), round(point.y, COORDINATE_DECIMALS)


def _initial(releve: Releve) -> dict[str, Any]:
    names = ("observed_on", "observers", "accuracy_m", "area_m2", "method", "comment", "sensitivity")
    longitude, latitude = _coordinates(releve)
    initial = {name: getattr(releve, name) for name in names}
    initial |= {"dataset": releve.dataset.name, "longitude": longitude, "latitude": latitude}
    initial["species"] = "\n".join(map(str, releve.species.all()))
    for number, one in enumerate(releve.determinations.all()):
        shown = str(one.cited_type) if one.cited_type else one.cited_code
        initial |= {f"habitat_{number}": shown, f"typology_{number}": one.cited_typology}
        initial[f"cover_{number}"] = one.cover_pct
    return initial


class ReleveFileForm(forms.Form):
    """A file of relevés, and the dataset they go to."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV, XLSX or GeoPackage, 20 MB and 5,000 rows at most. Nothing is saved before you have seen it."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.gpkg"}),
    )
    dataset = forms.CharField(
        label=_("Dataset"), max_length=200, help_text=_("The campaign or the study; a new name makes a new dataset.")
    )
    diffusion = forms.ChoiceField(
        label=_("What the convention of a new dataset lets others see"), choices=Diffusion, initial=Diffusion.STANDARD
    )


class JudgementForm(forms.Form):
    """A level of the SINP, and why."""

    level = forms.TypedChoiceField(label=_("Level"), choices=ReleveLevel, coerce=int, initial=ReleveLevel.CERTAIN)
    reason = forms.CharField(
        label=_("Why"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("The author reads it, and so does whoever looks at the relevé later."),
        error_messages={"required": _("Say why, in a few words.")},
    )
    # A text, to the microsecond: what was written in the same second may be what the page shows.
    seen_at = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_seen_at(self) -> datetime.datetime | None:
        """When the page was shown; None where nobody says, or nothing that is a moment."""
        text = self.cleaned_data["seen_at"]
        try:
            moment = datetime.datetime.fromisoformat(text) if text else None
        except ValueError:
            return None
        return moment if moment and timezone.is_aware(moment) else None


class BatchForm(JudgementForm):
    """One judgement for several relevés."""

    releves = forms.ModelMultipleChoiceField(
        queryset=Releve.objects.none(), error_messages={"required": _("Choose at least one relevé.")}
    )

    def __init__(self, *args: Any, waiting: QuerySet[Releve], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["releves"].queryset = waiting  # type: ignore[attr-defined]


class CorrespondenceForm(forms.Form):
    """Which row of the legend a cited habitat is."""

    habitat_type = forms.ModelChoiceField(label=_("Habitat of the legend"), queryset=HabitatType.objects.none())

    def __init__(self, *args: Any, candidates: list[HabitatType], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        of_legend = HabitatType.objects.filter(pk__in=[candidate.pk for candidate in candidates])
        self.fields["habitat_type"].queryset = of_legend.order_by("code")  # type: ignore[attr-defined]


class SuggestionForm(forms.Form):
    """What the field of a habitat asks for."""

    q = forms.CharField(label=_("code or part of a name"), max_length=100, required=False)
    typology = forms.CharField(label=_("code of a typology; empty: the legend"), max_length=80, required=False)
