"""The gate of a release: what must be true of a map before two people may sign it.

Each line asks one thing and says what to do where it is not so. A line keeps codes and figures, which the dossier
holds whatever the language, beside the sentence for the person who reads it now.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from feedback.licences import LicenceVerdict, put_together
from feedback.queries import releases as queries
from feedback.states import GateState
from habitats.models import Vintage
from habitats.queries import dropped_corrections
from habitats.queries.publication import hash_of_polygons, outlines_of
from habitats.states import VintageState
from ml.compute.publishing.polygons import faults_of_coverage, published_outlines
from ml.models import Run

# A fault of one polygon usually shows on its neighbours too: the first ones are enough to find it.
FAULTS_NAMED = 5


@dataclass(frozen=True)
class GateLine:
    """One thing asked of the map.

    Attributes:
        code: stable word for programs.
        state: whether it holds.
        sentence: what was found.
        way_out: what to do where it does not hold.
        details: figures behind the sentence, the same in every language.
    """

    code: str
    state: GateState
    sentence: str
    way_out: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def is_blocking(self) -> bool:
        """Whether no dossier can be prepared."""
        return self.state == GateState.BLOCKING

    def as_json(self) -> dict[str, Any]:
        """What the dossier keeps."""
        return {"code": self.code, "state": str(self.state), "details": self.details}


def checklist(vintage: Vintage) -> list[GateLine]:
    """Everything asked of a map, in the order in which a year meets it."""
    return [ask(vintage) for ask in QUESTIONS]


def consultation_under_way(vintage: Vintage) -> list[GateLine]:
    """The lines of the consultation that do not hold yet; a year without a round has none under way."""
    lines = [_rounds_are_closed(vintage)] if queries.rounds_of(vintage.region, vintage.year).exists() else []
    return [line for line in (*lines, _nothing_in_review(vintage)) if line.is_blocking]


def _line(code: str, *, holds: bool, sentence: str, way_out: str, **details: Any) -> GateLine:
    state = GateState.HOLDS if holds else GateState.BLOCKING
    return GateLine(code, state, sentence, "" if holds else way_out, details)


def _map_is_working(vintage: Vintage) -> GateLine:
    return _line(
        "map_is_working",
        holds=vintage.state == VintageState.WORKING,
        sentence=_("The map of %(year)s is %(state)s.") % {"year": vintage.year, "state": vintage.get_state_display()},
        way_out=_("Only a working map is released. For a published one, open an erratum on the page of its release."),
    )


def _no_run_is_open(vintage: Vintage) -> GateLine:
    run = Run.objects.open().filter(region=vintage.region_id).first()
    sentence = _("No run is under way.") if run is None else _("%(run)s is not finished.") % {"run": run}
    way_out = _("Wait for its end or stop it, on its page.")
    return _line("no_run_is_open", holds=run is None, sentence=sentence, way_out=way_out)


def _rounds_are_closed(vintage: Vintage) -> GateLine:
    rounds = queries.rounds_of(vintage.region, vintage.year)
    left = list(rounds.unfinished().values_list("key", flat=True))
    count = rounds.count()
    if left:
        sentence = _("Not closed yet: %(rounds)s.") % {"rounds": ", ".join(left)}
    else:
        sentence = ngettext("%(count)s round held and closed.", "%(count)s rounds held and closed.", count)
        sentence %= {"count": count}
    return _line(
        "rounds_are_closed",
        holds=count > 0 and not left,
        sentence=sentence,
        way_out=_("A map is released after its consultation: hold and close the rounds of the year."),
        rounds=list(rounds.values_list("key", flat=True)),
    )


def _nothing_in_review(vintage: Vintage) -> GateLine:
    waiting = queries.reports_of(vintage.region, vintage.year).open().count()
    sentence = ngettext("%(count)s report waits for an answer.", "%(count)s reports wait for an answer.", waiting)
    return _line(
        "nothing_in_review",
        holds=waiting == 0,
        sentence=sentence % {"count": waiting} if waiting else _("Every report has its answer."),
        way_out=_("Decide them at the desk; questions without an answer expire by themselves."),
        waiting=waiting,
    )


def _audit_is_opened(vintage: Vintage) -> GateLine:
    audit = queries.audit_of(vintage)
    state = audit.get_state_display() if audit else _("not drawn")
    assessed = audit.vintage if audit is not None and audit.is_opened else None
    is_of_this_map = assessed is not None and (assessed == vintage or queries.was_released(assessed))
    since = queries.corrections_since_opening(vintage)
    return _line(
        "audit_is_opened",
        holds=is_of_this_map,
        sentence=" ".join(
            [_("The audit sample is %(state)s.") % {"state": state}, sentence_of_corrections_since(since)]
        ).strip(),
        way_out=_("Label every point, close the labelling, then open the sample: it alone gives the accuracy."),
        sha256=audit.sha256 if audit else "",
        seed=audit.seed if audit else None,
        points=audit.size if audit else 0,
        corrections_since=since,
    )


def sentence_of_corrections_since(count: int) -> str:
    """What the accuracy does not know of, in words; empty where it knows all."""
    if not count:
        return ""
    return ngettext(
        "%(count)s correction came after its opening: the accuracy is that of the map before it.",
        "%(count)s corrections came after its opening: the accuracy is that of the map before them.",
        count,
    ) % {"count": count}


def _accuracy_is_reached(vintage: Vintage) -> GateLine:
    thresholds = queries.thresholds_of(vintage.region, vintage.year)
    if thresholds is None:
        return _line(
            "accuracy_is_reached",
            holds=False,
            sentence=_("No threshold was fixed before the map was made."),
            way_out=_("Thresholds cannot be chosen afterwards: fix them, then map the year again."),
        )
    lower, macro_f1 = lower_accuracy(vintage), macro_f1_of(vintage)
    reached = lower is not None and lower >= thresholds.overall_accuracy
    reached &= macro_f1 is not None and macro_f1 >= thresholds.macro_f1
    return _line(
        "accuracy_is_reached",
        holds=reached,
        sentence=_(
            "Overall accuracy, lower end of the interval: %(lower)s for %(least_accuracy)s asked; "
            "macro-F1: %(macro_f1)s for %(least_f1)s asked."
        )
        % {
            "lower": _figure(lower),
            "least_accuracy": _figure(thresholds.overall_accuracy),
            "macro_f1": _figure(macro_f1),
            "least_f1": _figure(thresholds.macro_f1),
        },
        way_out=_("Add samples where the map errs, train and map again; the thresholds stay."),
        lower_accuracy=lower,
        macro_f1=macro_f1,
        thresholds={"overall_accuracy": thresholds.overall_accuracy, "macro_f1": thresholds.macro_f1},
    )


def lower_accuracy(vintage: Vintage) -> float | None:
    """The lower end of the interval of the overall accuracy; None before the audit sample is opened."""
    audit = queries.audit_of(vintage)
    if audit is None or not audit.assessment:
        return None
    return float(audit.assessment["overall_accuracy"]["low_95"])


def macro_f1_of(vintage: Vintage) -> float | None:
    """Macro-F1 on the selection blocks, of the map as classified, else of its model."""
    found = vintage.metrics.get("macro_f1", vintage.version.metrics.get("macro_f1"))
    return None if found is None else float(found)


def _figure(value: float | None) -> str:
    return _("not known") if value is None else number_format(value, 3)


def _dropped_corrections_are_read(vintage: Vintage) -> GateLine:
    count = dropped_corrections(vintage).count()
    sentence = ngettext(
        "%(count)s correction of earlier years is no longer followed.",
        "%(count)s corrections of earlier years are no longer followed.",
        count,
    ) % {"count": count}
    return GateLine(
        "dropped_corrections_are_read",
        GateState.TO_ACKNOWLEDGE if count else GateState.HOLDS,
        sentence if count else _("Every correction of earlier years still holds."),
        _("Read the list, then say so when you prepare the dossier.") if count else "",
        {"dropped": count},
    )


def _licences_are_compatible(vintage: Vintage) -> GateLine:
    verdict = licence_verdict(vintage)
    if verdict.is_compatible:
        sentence = _("The release carries %(licence)s.") % {"licence": verdict.licence}
    elif verdict.closed:
        sentence = _("May not be published as open data, or licence not known: %(names)s.")
        sentence %= {"names": ", ".join(verdict.closed)}
    else:
        sentence = _("Each asks for its own licence: %(names)s.") % {"names": ", ".join(verdict.clashing)}
    return _line(
        "licences_are_compatible",
        holds=verdict.is_compatible,
        sentence=sentence,
        way_out=_("Have the owner confirm a compatible licence, correct it where it is written, or map without it."),
        licence=verdict.licence,
        closed=list(verdict.closed),
        clashing=list(verdict.clashing),
    )


def licence_verdict(vintage: Vintage) -> LicenceVerdict:
    """What the licences of the inputs of a map allow; observations of species are not in it."""
    return put_together(queries.licences_of_inputs(vintage))


def _coverage_is_valid(vintage: Vintage) -> GateLine:
    faults = _coverage_faults(vintage)
    sentence = _("The polygons cover the map without gap or overlap.")
    if faults:
        sentence = _("Polygons that are invalid or do not match their neighbours: %(numbers)s.")
        sentence %= {"numbers": ", ".join(map(str, faults))}
    return _line(
        "coverage_is_valid",
        holds=not faults and vintage.polygon_count > 0,
        sentence=sentence,
        way_out=_("Revert the correction that touched them last, and draw it again."),
        faults=faults,
    )


def _coverage_faults(vintage: Vintage) -> list[int]:
    """Numbers of the first polygons at fault; asked again only when a polygon has changed."""
    key = f"coverage-faults:{hash_of_polygons(vintage)}"
    known = cache.get(key)
    if known is None:
        numbers, outlines = outlines_of(vintage)
        places = faults_of_coverage(published_outlines(outlines, vintage.region.epsg))
        known = [numbers[place] for place in places[:FAULTS_NAMED]]
        cache.set(key, known, timeout=None)
    return list(known)


QUESTIONS: tuple[Callable[[Vintage], GateLine], ...] = (
    _map_is_working,
    _no_run_is_open,
    _rounds_are_closed,
    _nothing_in_review,
    _dropped_corrections_are_read,
    _audit_is_opened,
    _accuracy_is_reached,
    _licences_are_compatible,
    _coverage_is_valid,
)
