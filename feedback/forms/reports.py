"""Forms of the author of a report: the contestation itself, an answer, an appeal, a file."""

import json
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.gis.gdal import GDALException
from django.contrib.gis.geos import GEOSException, GEOSGeometry
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from feedback.models import Round
from feedback.states import ErrorType, EvidenceType
from habitats.models import HabitatType

LARGEST_OUTLINE_CHARACTERS = 400_000
LARGEST_NUMBER = 2**31 - 1
CONFIDENCES = [(1, _("1 – I think so")), (2, _("2 – fairly sure")), (3, _("3 – certain"))]
WHAT_IS_WRONG = [
    (ErrorType.ATTRIBUTE, _("the habitat: it is another one")),
    (ErrorType.GEOMETRY, _("the outline: it is misplaced")),
    (ErrorType.BOTH, _("both the habitat and the outline")),
]
YES_NO = [(True, _("Yes")), (False, _("No"))]


class GroupedIntegerField(forms.IntegerField):
    """A whole number that may be copied from a page, thousands apart: "13 873"."""

    widget = forms.TextInput

    def to_python(self, value: Any) -> int | None:
        """The number without the spaces between its thousands, whichever kind they are."""
        return super().to_python("".join(value.split()) if isinstance(value, str) else value)


def _truth(value: str) -> bool:
    return value == "True"


@dataclass(frozen=True)
class Seen:
    """A polygon as its author saw it.

    Attributes:
        polygon: its key.
        version: the version seen.
        code: the habitat seen, to say what changed since.
    """

    polygon: int
    version: int
    code: str = ""


class SeenPolygonsField(forms.Field):
    """Polygons and what their author saw: each `id:version:code`."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> tuple[Seen, ...]:
        """Each polygon once, in the order in which they were chosen."""
        found: dict[int, Seen] = {}
        for text in value or []:
            polygon, version, code = [*str(text).split(":", 2), "", ""][:3]
            if not (_is_number(polygon) and _is_number(version)):
                raise forms.ValidationError(_("A chosen polygon cannot be read. Remove it, then choose it again."))
            found[int(polygon)] = Seen(int(polygon), int(version), code)
        if len(found) > settings.REPORT_MAX_POLYGONS:
            raise forms.ValidationError(
                _("A report holds at most %(most)s polygons. Draw an outline around them, or write several reports.")
                % {"most": settings.REPORT_MAX_POLYGONS}
            )
        return tuple(found.values())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


class OutlineField(forms.CharField):
    """An outline as GeoJSON, in degrees."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> GEOSGeometry | None:
        """Read it, or say what is wrong with it; the rules of the map are asked by the action."""
        text = super().clean(value)
        if not text:
            return None
        try:
            outline = GEOSGeometry(json.dumps(json.loads(text)), srid=4326)
        except (ValueError, TypeError, RecursionError, GDALException, GEOSException) as error:
            raise forms.ValidationError(_("The drawing cannot be read. Clear it, then draw it again.")) from error
        if outline.geom_type not in {"Polygon", "MultiPolygon"}:
            raise forms.ValidationError(_("Draw a closed outline: a point or a line has no area."))
        return outline


class HabitatField(forms.CharField):
    """A habitat of the legend, by its code (alone, or followed by its name) or by words of its name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=300, **kwargs)

    def clean(self, value: Any) -> HabitatType | None:
        """The one habitat that is meant."""
        text = super().clean(value)
        if not text:
            return None
        legend = HabitatType.objects.filter(legend_entry__isnull=False).select_related("legend_entry")
        by_code = legend.filter(code__iexact=text.split()[0]).first()
        if by_code:
            return by_code
        found = list(legend.matching(text)[:4])
        if len(found) == 1:
            return found[0]
        if not found:
            raise forms.ValidationError(_("No habitat of the legend has this code or name. Type part of its name."))
        names = ", ".join(str(habitat) for habitat in found[:3])
        raise forms.ValidationError(_("Several habitats match: %(names)s… Give the code of one.") % {"names": names})


class ContestForm(forms.Form):
    """What is wrong, where, what it should be. A draft may leave anything empty: the action says what is missing."""

    client_uuid = forms.UUIDField(widget=forms.HiddenInput)
    round = forms.ModelChoiceField(Round.objects.none(), to_field_name="key", widget=forms.HiddenInput)
    polygons = SeenPolygonsField(label=_("Polygons"), required=False)
    outline = OutlineField(label=_("Drawn outline"), required=False, max_length=LARGEST_OUTLINE_CHARACTERS)
    error_type = forms.ChoiceField(
        label=_("What is wrong?"), choices=WHAT_IS_WRONG, required=False, widget=forms.RadioSelect
    )
    proposed_type = HabitatField(
        label=_("What should it be?"),
        required=False,
        help_text=_("Type a code or part of a name."),
    )
    evidence_type = forms.ChoiceField(
        label=_("How do you know?"), choices=EvidenceType.choices, required=False, widget=forms.RadioSelect
    )
    observed_on = forms.DateField(
        label=_("Observed on"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=_("The day of your visit, or of the picture or document."),
    )
    confidence = forms.TypedChoiceField(
        label=_("How sure are you?"),
        choices=CONFIDENCES,
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
    )
    comment = forms.CharField(
        label=_("What do you see there?"),
        required=False,
        max_length=settings.REPORT_MAX_COMMENT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("A sentence or two for the person who decides: plants, use of the land, since when."),
    )
    declares_interest = forms.TypedChoiceField(
        label=_("Does your organisation have an interest in this place (owner, project, permit)?"),
        choices=YES_NO,
        coerce=_truth,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, rounds: QuerySet[Round], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField", self.fields["round"]).queryset = rounds


class PolygonQuestionForm(forms.Form):
    """Which polygon: by its number, by its key, or by a position."""

    round = forms.ModelChoiceField(Round.objects.none(), to_field_name="key")
    polygon = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    number = GroupedIntegerField(
        label=_("Number of the polygon"), min_value=1, max_value=LARGEST_NUMBER, required=False
    )
    lon = forms.FloatField(label=_("Longitude"), min_value=-180, max_value=180, required=False)
    lat = forms.FloatField(label=_("Latitude"), min_value=-90, max_value=90, required=False)

    def __init__(self, *args: Any, rounds: QuerySet[Round], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField", self.fields["round"]).queryset = rounds

    def clean(self) -> dict[str, Any]:
        """One way of naming a polygon is enough, and a position is two numbers."""
        asked = super().clean() or self.cleaned_data
        has_position = asked.get("lon") is not None and asked.get("lat") is not None
        if not (asked.get("polygon") or asked.get("number") or has_position or self.errors):
            raise forms.ValidationError(_("Give the number of a polygon, or a longitude and a latitude in degrees."))
        return asked


class AnswerForm(forms.Form):
    """An answer to the question of the desk."""

    name_in_page = "answer_form"
    text = forms.CharField(
        label=_("Your answer"),
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "form-control"}),
        error_messages={"required": _("Write your answer first.")},
    )


class AppealForm(forms.Form):
    """What is new since the decision."""

    name_in_page = "appeal_form"
    new_evidence = forms.CharField(
        label=_("What is new?"),
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "form-control"}),
        help_text=_("Something that the decision did not know: a visit, a photograph, a document."),
        error_messages={"required": _("Say what is new: an appeal needs new evidence.")},
    )


class PhotoForm(forms.Form):
    """A photograph or a document."""

    photo = forms.FileField(
        label=_("Photograph or PDF"),
        max_length=255,
        widget=forms.ClearableFileInput(
            attrs={"accept": "image/jpeg,image/png,image/webp,application/pdf", "class": "form-control"}
        ),
        error_messages={"required": _("Choose a photograph first."), "empty": _("This file is empty.")},
    )
