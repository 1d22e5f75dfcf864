"""Forms of the decision desk: the filters of the queue, the decision, and the other moves of an adjudicator."""

import datetime
import json
from typing import Any, cast

from django import forms
from django.contrib.gis.geos import GEOSException, GEOSGeometry
from django.db.models import Exists, OuterRef, Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from feedback.models import Report, ReportPolygon, Round
from feedback.models.reports import ReportQuerySet
from feedback.states import OUTCOMES, REASONS_OF_OUTCOME, RESULTS_OF_OUTCOME, DecisionResult, ReasonCode, ReportState
from habitats.models import HabitatType
from habitats.queries import mappable_legend
from habitats.states import Stake
from territories.models import Territory
from territories.queries import place_named
from territories.states import TerritoryKind

LONGEST_REPLY = 4_000
LARGEST_OUTLINE = 1_000_000  # signs of GeoJSON; a hand does not draw more


def legend_types() -> QuerySet[HabitatType]:
    """The habitats that a map can hold, in the order of the legend: no heading, which only groups others."""
    in_legend = HabitatType.objects.filter(legend_entry__in=mappable_legend())
    return in_legend.select_related("legend_entry").order_by("legend_entry__position")


class QueueFilterForm(forms.Form):
    """Which reports of the queue; everything lives in the address."""

    round = forms.ModelChoiceField(
        label=_("Round"),
        queryset=Round.objects.none(),
        required=False,
        empty_label=pgettext_lazy("rounds", "All"),
        to_field_name="key",
    )
    state = forms.ChoiceField(label=_("State"), required=False)
    place = forms.CharField(label=_("Commune or department"), max_length=100, required=False)
    habitat = forms.ModelChoiceField(
        label=_("Habitat"),
        queryset=HabitatType.objects.none(),
        required=False,
        empty_label=pgettext_lazy("habitats", "All"),
        to_field_name="code",
    )
    stake = forms.ChoiceField(label=_("Stake"), required=False)
    mine = forms.BooleanField(label=_("Held by me"), required=False)
    late = forms.BooleanField(label=_("Late"), required=False)

    def __init__(self, *args: Any, rounds: QuerySet[Round], states: tuple[ReportState, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField", self.fields["round"]).queryset = rounds
        cast("forms.ModelChoiceField", self.fields["habitat"]).queryset = legend_types()
        chosen = [(state.value, state.label) for state in states]
        cast("forms.ChoiceField", self.fields["state"]).choices = [("", pgettext_lazy("states", "All")), *chosen]
        cast("forms.ChoiceField", self.fields["stake"]).choices = [("", pgettext_lazy("stakes", "All")), *Stake.choices]
        for name, field in self.fields.items():
            kinds = {"place": "form-control", "mine": "form-check-input", "late": "form-check-input"}
            field.widget.attrs["class"] = kinds.get(name, "form-select")

    def clean_place(self) -> Territory | None:
        """The territory of this name or code."""
        text = self.cleaned_data["place"].strip()
        place = place_named(text) if text else None
        if text and place is None:
            raise forms.ValidationError(_("No commune nor department has this name. Check the spelling, or its code."))
        return place

    def narrow(
        self, reports: ReportQuerySet, *, me: int, today: datetime.date, now: datetime.datetime
    ) -> ReportQuerySet:
        """The reports that answer to the filters; a filter that is wrong is left out."""
        asked = self.cleaned_data
        if asked.get("round"):
            reports = reports.filter(round=asked["round"])
        if asked.get("state"):
            reports = reports.filter(state=asked["state"])
        if asked.get("place"):
            reports = reports.filter(_inside(asked["place"]))
        if asked.get("habitat"):
            reports = reports.filter(_about(asked["habitat"]))
        if asked.get("stake"):
            reports = reports.filter(stake=asked["stake"])
        if asked.get("mine"):
            reports = reports.filter(locked_by=me, locked_until__gt=now)
        if asked.get("late"):
            reports = reports.filter(due_on__lt=today)
        return reports


def _inside(place: Territory) -> Q:
    if place.kind == TerritoryKind.COMMUNE:
        return Q(commune=place)
    if place.kind == TerritoryKind.REGION:
        return Q()
    return Q(commune__parent=place) | Q(commune__epci=place) | Q(commune=place)


def _about(habitat: HabitatType) -> Q:
    """Reports that saw, or propose, a habitat."""
    seen = ReportPolygon.objects.filter(report=OuterRef("pk"), type_seen=habitat)
    return Q(proposed_type=habitat) | Q(Exists(seen))


class Scope(TextChoices):
    """What the correction covers."""

    POLYGONS = "polygons", _("the whole polygons")
    AUTHOR = "author", _("the outline drawn by the author")
    DRAWN = "drawn", _("an outline that I draw")


class DecisionForm(forms.Form):
    """A proposal: outcome, result, coded reason, habitat, what it covers, reply."""

    outcome = forms.ChoiceField(
        label=_("Decision"),
        choices=[(outcome.value, outcome.label) for outcome in OUTCOMES],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what becomes of the report.")},
    )
    result = forms.ChoiceField(
        label=_("Result"),
        choices=DecisionResult.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose the result: it is counted with those of the other departments.")},
    )
    reason_code = forms.ChoiceField(
        label=_("Reason"),
        choices=[("", _("Choose…")), *ReasonCode.choices],
        error_messages={"required": _("Choose the reason: it goes with the reply.")},
    )
    to_type = forms.ModelChoiceField(
        label=_("Habitat decided"), queryset=HabitatType.objects.none(), required=False, empty_label=_("Choose…")
    )
    scope = forms.ChoiceField(label=_("What is corrected"), required=False, widget=forms.RadioSelect)
    outline = forms.CharField(required=False, max_length=LARGEST_OUTLINE, widget=forms.HiddenInput)
    fixed_by = forms.TypedChoiceField(label=_("Corrected by"), required=False, coerce=int, empty_value=None)
    seen = forms.CharField(max_length=100_000, widget=forms.HiddenInput)
    reply = forms.CharField(
        label=_("Reply to the author"),
        max_length=LONGEST_REPLY,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": _("Write the reply: the author reads it with the decision.")},
    )

    def __init__(self, *args: Any, report: Report, corrections: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.report = report
        self._has_corrections = bool(corrections)
        cast("forms.ModelChoiceField", self.fields["to_type"]).queryset = legend_types()
        scopes = [choice for choice in Scope.choices if report.is_drawn or choice[0] != Scope.AUTHOR]
        cast("forms.ChoiceField", self.fields["scope"]).choices = scopes
        cast("forms.ChoiceField", self.fields["fixed_by"]).choices = [("", _("Choose…")), *corrections]
        for name in ("reason_code", "to_type", "fixed_by"):
            self.fields[name].widget.attrs["class"] = "form-select"
        self.fields["reply"].widget.attrs["class"] = "form-control"

    def clean_seen(self) -> tuple[tuple[int, int], ...]:
        """The number and the version of each polygon that the page showed."""
        try:
            return tuple((int(number), int(version)) for number, version in json.loads(self.cleaned_data["seen"]))
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise forms.ValidationError(
                _("The page does not say which polygons it showed. Load it again; your text is kept below.")
            ) from error

    def clean_outline(self) -> GEOSGeometry | None:
        """The outline drawn at the desk (GeoJSON, degrees)."""
        text = self.cleaned_data["outline"]
        return read_outline(text) if text else None

    def clean(self) -> dict[str, Any]:
        """Only what goes together: outcome and result, outcome and reason, a habitat and a place for a correction."""
        asked = super().clean() or {}
        outcome = asked.get("outcome")
        if outcome is None:
            return asked
        state = ReportState(outcome)
        if asked.get("result") and asked["result"] not in RESULTS_OF_OUTCOME[state]:
            self.add_error("result", _("This result does not go with the decision “%(outcome)s”.") % _named(state))
        if asked.get("reason_code") and asked["reason_code"] not in REASONS_OF_OUTCOME[state]:
            self.add_error("reason_code", _("This reason does not go with the decision “%(outcome)s”.") % _named(state))
        if state == ReportState.ACCEPTED:
            self._check_correction(asked)
        if state == ReportState.ALREADY_FIXED and not asked.get("fixed_by"):
            self.add_error("fixed_by" if self.has_corrections else "outcome", self._no_correction())
        return asked

    @property
    def has_corrections(self) -> bool:
        """Whether a correction stands at the place."""
        return self._has_corrections

    @property
    def corrects(self) -> bool:
        """Whether the decision changes the map."""
        return self.cleaned_data.get("outcome") == ReportState.ACCEPTED

    def _no_correction(self) -> Any:
        if self.has_corrections:
            return _("Say which correction did it.")
        return _("No correction stands at this place: choose another decision.")

    def _check_correction(self, asked: dict[str, Any]) -> None:
        if not asked.get("to_type") and "to_type" not in self.errors:
            self.add_error("to_type", _("Choose the habitat that the map will show."))
        if not asked.get("scope"):
            self.add_error("scope", _("Say what is corrected: the whole polygons, or an outline."))
        if asked.get("scope") == Scope.DRAWN and not asked.get("outline") and "outline" not in self.errors:
            self.add_error("scope", _("Draw the outline on the map first, or choose the whole polygons."))

    def decided_outline(self) -> GEOSGeometry | None:
        """The outline of the correction; None for whole polygons and for what corrects nothing."""
        asked = self.cleaned_data
        if not self.corrects or asked["scope"] == Scope.POLYGONS:
            return None
        return self.report.geometry if asked["scope"] == Scope.AUTHOR else asked["outline"]


def read_outline(text: str) -> GEOSGeometry:
    """A polygon from GeoJSON in degrees.

    Raises:
        ValidationError: it is none, or it crosses itself.
    """
    try:
        outline = GEOSGeometry(text, srid=4326)
    except (GEOSException, ValueError, TypeError) as error:
        raise forms.ValidationError(_("The outline cannot be read. Draw it again.")) from error
    if outline.geom_type not in ("Polygon", "MultiPolygon") or outline.empty:
        raise forms.ValidationError(_("The outline must be an area. Draw it again."))
    if not outline.valid:
        raise forms.ValidationError(_("The outline crosses itself. Move the point that crosses, or draw it again."))
    return outline


def _named(state: ReportState) -> dict[str, Any]:
    return {"outcome": state.label}


class WordsForm(forms.Form):
    """One text that goes with a move: a question, the reason of a refusal, the reason of a revert."""

    text = forms.CharField(
        max_length=LONGEST_REPLY,
        widget=forms.Textarea(attrs={"rows": 3, "class": "form-control"}),
        error_messages={"required": _("Write a sentence: it is kept with the move.")},
    )


class MasterForm(forms.Form):
    """The report that this one is joined to."""

    master = forms.ModelChoiceField(queryset=Report.objects.none())

    def __init__(self, *args: Any, reports: QuerySet[Report], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField", self.fields["master"]).queryset = reports
