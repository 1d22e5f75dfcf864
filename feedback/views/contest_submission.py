"""What the form of a contestation sent: read once, kept whole, handed to the actions."""

import datetime
from typing import Any

from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.errors import BiocciaError, InvalidFieldsError, NotAllowedError, StateForbidsError
from feedback import actions
from feedback.actions import ReportFacts
from feedback.errors import PolygonsSeenChangedError
from feedback.forms.reports import ContestForm, PolygonQuestionForm, Seen
from feedback.models import Report, Round
from feedback.permissions import may_begin, require_contest
from feedback.queries import rounds_for
from feedback.queries.ground import contested_vintage
from feedback.views.contest_page import shown_polygons
from habitats.models import Polygon
from territories.permissions import SignedInRequest

# Names of the actions' facts, where the form has another one.
FIELD_OF_FACT = {"geometry": "outline", "proposed": "proposed_type"}


class ContestSubmission:
    """One POST of the form.

    Attributes:
        report: the draft of this identifier, where the author has one.
        seen: the polygons of the list, as far as they can be read.
    """

    def __init__(self, request: SignedInRequest, at: datetime.datetime) -> None:
        self.request, self.at = request, at
        self.data = request.POST.copy()
        self.report = self._known()
        self.rounds = self._rounds()
        self.find_form = PolygonQuestionForm(rounds=Round.objects.none())
        self.find_error = ""
        self.photo_errors: list[str] = []
        self._read()

    def _known(self) -> Report | None:
        field = ContestForm.base_fields["client_uuid"]
        try:
            uuid = field.clean(self.data.get("client_uuid"))
        except ValidationError:
            return None
        return Report.objects.of_author(self.request.user.pk).filter(client_uuid=uuid).first()

    def _rounds(self) -> QuerySet[Round]:
        """Theirs, that of the draft, and the one named, closed meanwhile or not: what was typed comes back with it."""
        theirs = Q(pk__in=rounds_for(self.request.user, self.at).values("pk"))
        if self.report:
            theirs |= Q(pk=self.report.round_id)
        if may_begin(self.request.user, timezone.localdate(self.at)):
            theirs |= Q(key=self.data.get("round"))
        return Round.objects.select_related("region", "territory").filter(theirs)

    def _read(self) -> None:
        self.form = ContestForm(self.data, rounds=self.rounds)
        self.form.full_clean()
        self.seen: tuple[Seen, ...] = self.form.cleaned_data.get("polygons") or ()

        self.round: Round | None = self.form.cleaned_data.get("round") or (self.report.round if self.report else None)

    @property
    def wish(self) -> str:
        """What the button says: autosave, draft, submit, find, remove or choose."""
        return next((name for name in ("remove", "choose") if name in self.data), self.data.get("action", "draft"))

    def may_be_read(self) -> bool:
        """Whether the hidden fields hold: without them there is nothing to show again."""
        return self.round is not None and "client_uuid" in self.form.cleaned_data

    def change_choice(self, wish: str) -> None:
        """Without scripts: add the polygon that is named, take one out of the list, or take a runner-up's habitat."""
        if wish == "remove":
            self.seen = tuple(seen for seen in self.seen if str(seen.polygon) != self.data.get("remove"))
        elif wish == "choose":
            self.data["proposed_type"] = self.data.get("choose", "")
        else:
            self._find()
        # What is missing is not said before anybody sends.
        kept = {name: self.data.get(name) for name in ContestForm.base_fields if name != "polygons"}
        self.form = ContestForm(initial=kept, rounds=self.rounds)

    def _find(self) -> None:
        self.find_form = PolygonQuestionForm(self.data, rounds=self.rounds)
        try:
            polygon = polygon_asked(self.find_form, self.request, self.at)
        except BiocciaError as error:
            self.find_error = str(error.detail)
            return
        if polygon.pk not in {seen.polygon for seen in self.seen}:
            self.seen = (*self.seen, Seen(polygon.pk, polygon.version, polygon.habitat_type.code))

    def save(self) -> Report:
        """Keep what can be read as a draft; what cannot stays in the errors of the form."""
        report = actions.save_draft(facts=self._facts(), by=self.request.user, at=self.at)
        self.report = report
        self._attach_photos(report)
        return report

    def submit(self) -> Report:
        """Send the report; where it or a file of it cannot go, it is kept as a draft and the error goes on."""
        if self.form.errors or self.request.FILES:
            draft = self.save()
            if not self.is_whole():
                return draft
        try:
            report, _created = actions.submit_report(facts=self._facts(), by=self.request.user, at=self.at)
        except BiocciaError:
            self._keep()
            raise
        return report

    def is_whole(self) -> bool:
        """Whether everything that was given could be kept."""
        return not (self.form.errors or self.photo_errors)

    def _keep(self) -> None:
        """The first error is the one to say, whether or not a draft could be kept under it."""
        try:
            self.save()
        except BiocciaError as error:
            self.note(error)

    def _facts(self) -> ReportFacts:
        given = self.form.cleaned_data
        if self.round is None or "client_uuid" not in given:
            raise InvalidFieldsError(_("This form is not complete: open the page again."))
        return ReportFacts(
            client_uuid=given["client_uuid"],
            round=self.round,
            polygons=tuple((seen.polygon, seen.version) for seen in self.seen),
            outline=given.get("outline"),
            error_type=given.get("error_type") or "",
            proposed_type=given.get("proposed_type"),
            comment=given.get("comment") or "",
            observed_on=given.get("observed_on"),
            evidence_type=given.get("evidence_type") or "",
            confidence=given.get("confidence"),
            declares_interest=given.get("declares_interest"),
        )

    def _attach_photos(self, report: Report) -> None:
        uploads: list[Any] = self.request.FILES.getlist("photo")
        for upload in uploads:
            try:
                actions.attach_file(report=report, upload=upload, by=self.request.user, at=self.at)
            except BiocciaError as error:
                self.photo_errors.append(f"{upload.name}: {error.detail}")

    def note(self, error: BiocciaError) -> None:
        """Say an error next to the field that it is about; what changed on the map is said in the list."""
        if isinstance(error, PolygonsSeenChangedError):
            return
        for name, sentence in error.fields.items():
            field = FIELD_OF_FACT.get(name, name)
            self.form.add_error(field if field in self.form.fields else None, str(sentence))
        if not error.fields:
            place = "outline" if self.data.get("outline") else "polygons"
            self.form.add_error(place if isinstance(error, NotAllowedError) else None, str(error.detail))


def polygon_asked(form: PolygonQuestionForm, request: SignedInRequest, at: datetime.datetime) -> Polygon:
    """The polygon that a form names, once we know that the person may contest it.

    Raises:
        InvalidFieldsError: nothing is named, or nothing is mapped there.
        StateForbidsError: the map of the round is not there.
        NotAllowedError: less than half of it is in the person's territory.
    """
    if not form.is_valid():
        wrong = {name: errors[0] for name, errors in form.errors.items()}
        raise InvalidFieldsError(" ".join(map(str, wrong.values())), fields=wrong)
    asked = form.cleaned_data
    vintage = contested_vintage(asked["round"])
    if vintage is None:
        raise StateForbidsError(_("The map of this round is not there: it is being made again. Come back later."))
    polygon = _named(shown_polygons(vintage), asked)
    if polygon is None:
        raise InvalidFieldsError(_("Nothing is mapped there. Give a place, or the number of a polygon, of the map."))
    require_contest(request.user, asked["round"], polygon.geometry, timezone.localdate(at))
    return polygon


def _named(polygons: Any, asked: dict[str, Any]) -> Polygon | None:
    if asked.get("polygon"):
        return polygons.filter(pk=asked["polygon"]).first()
    if asked.get("number"):
        return polygons.filter(number=asked["number"]).first()
    return polygons.at(Point(asked["lon"], asked["lat"], srid=4326)).first()
