"""What botanists do: datasets, drafts, corrections, submissions, files of relevés."""

import datetime
import hashlib
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import structlog
from django.contrib.gis.geos import GEOSGeometry
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError, NotAllowedError, StateForbidsError
from bioccia.import_reports import StoredRows
from habitats.actions.releves.facts import ReleveFacts
from habitats.actions.releves.samples import follow_with_sample
from habitats.actions.releves.writing import ReleveWriter
from habitats.models import Releve, ReleveDataset
from habitats.permissions import may_change, may_survey_at, may_survey_at_all
from habitats.queries import datasets_open_to
from habitats.states import RELEVE_MOVES, ReleveState
from species.states import Diffusion, Precision
from territories.models import User
from territories.permissions import require

logger = structlog.get_logger(__name__)


@transaction.atomic
def store_releve_dataset(
    *,
    name: str,
    by: User | None,
    at: datetime.datetime,
    licence: str = "",
    diffusion: str = Diffusion.STANDARD,
    sensitivity: int = Precision.EXACT,
) -> ReleveDataset:
    """Find a dataset by its name, or make it for the person's organisation; what it already says is kept.

    Args:
        name: of the dataset.
        by: the person; None is the region folder, whose dataset belongs to no organisation.
        at: the moment.
        licence: of a new dataset.
        diffusion: what the convention of a new dataset lets others see.
        sensitivity: of relevés of a new dataset that give none.

    Raises:
        NotAllowedError: no `survey`, or the dataset belongs to somebody else.
        InvalidFieldsError: no name.
    """
    name = name.strip()
    if not name:
        raise InvalidFieldsError(_("Name the dataset."), fields={"dataset": _("Name the dataset.")})
    if by is not None:
        require(by, "survey", on=timezone.localdate(at))
    dataset, _created = ReleveDataset.objects.get_or_create(
        name=name,
        defaults={
            "organisation": by.organisation if by else None,
            "licence": licence,
            "diffusion": diffusion,
            "sensitivity": sensitivity,
            "created_at": at,
            "created_by": by,
        },
    )
    _require_house(dataset, by)
    return dataset


@transaction.atomic
def save_releve(
    *, facts: ReleveFacts, dataset: ReleveDataset, by: User, at: datetime.datetime, releve: Releve | None = None
) -> Releve:
    """Keep a relevé as a draft, or correct one: a submitted one stays submitted, and stale where judged facts change.

    Args:
        facts: what it says now.
        dataset: of a new relevé; one that exists stays in its own.
        by: its author, or a colleague who may survey there.
        at: the moment.
        releve: the one to correct; None makes a draft.

    Raises:
        NotAllowedError: not theirs, or the place is outside their mandate.
        InvalidFieldsError: the date is to come, or no habitat is cited.
    """
    on = timezone.localdate(at)
    _check_facts(facts, on)
    _require_place(facts.geometry, by, on)
    writer = ReleveWriter(at=at)
    if releve is None:
        _require_house(dataset, by)
        held = _new_releve(dataset, by, at, facts.external_id or _next_number(dataset))
        writer.add([(held, facts)])
    else:
        held = _held(releve, by, on)
        if writer.write(held, facts):
            follow_with_sample(held, at=at)
    logger.info("releve saved", releve=held.pk, by=by.pk, new=releve is None, stale=held.is_stale)
    return held


@transaction.atomic
def submit_releve(*, releve: Releve, by: User, at: datetime.datetime) -> Releve:
    """Hand a draft to the validators.

    Raises:
        NotAllowedError: not theirs, or the place is outside their mandate today.
        StateForbidsError: it is no draft.
        InvalidFieldsError: it has no date or no observer.
    """
    on = timezone.localdate(at)
    held = _held(releve, by, on)
    allowed, state = RELEVE_MOVES["submit"]
    if held.state not in allowed:
        raise StateForbidsError(_("This relevé is already submitted."))
    _require_place(held.geometry, by, on)
    missing = {
        name: _("A submitted relevé says it.") for name in ("observed_on", "observers") if not getattr(held, name)
    }
    if missing:
        raise InvalidFieldsError(_("Give the date and the observers before submitting."), fields=missing)
    held.state, held.submitted_at, held.changed_at = state, at, at
    held.save(update_fields=["state", "submitted_at", "changed_at"])
    logger.info("releve submitted", releve=held.pk, by=by.pk)
    return held


@transaction.atomic
def discard_draft(*, releve: Releve, by: User, at: datetime.datetime) -> None:
    """Remove a draft that nobody has judged.

    Raises:
        NotAllowedError: not theirs.
        StateForbidsError: it was submitted: it stays, corrected if need be.
    """
    held = _held(releve, by, timezone.localdate(at))
    if held.state != ReleveState.DRAFT:
        raise StateForbidsError(_("This relevé was submitted: correct it instead of removing it."))
    logger.info("draft removed", releve=held.pk, by=by.pk)
    held.delete()


@transaction.atomic
def import_releves(
    *, dataset: ReleveDataset, facts: Sequence[ReleveFacts], by: User | None, at: datetime.datetime
) -> StoredRows:
    """Write the relevés of a file as submitted, whole or not at all; the same file again changes nothing.

    A relevé is known in its dataset by its number, else by what its row says. One that is there already is corrected
    where the file says something else, and becomes stale as by the form.

    Args:
        dataset: where they go.
        facts: one of each relevé, checked by the importer.
        by: who imports; None is the region folder.
        at: the moment.

    Raises:
        NotAllowedError: the dataset belongs to somebody else, or a place is outside the person's mandate.
        InvalidFieldsError: a date is to come, or no habitat is cited.
    """
    on = timezone.localdate(at)
    _require_house(dataset, by)
    ReleveDataset.objects.select_for_update().get(pk=dataset.pk)  # two imports of one file wait for each other
    stored = dataset.releves.select_for_update().prefetch_related("determinations", "species")
    known = {one.external_id: one for one in stored}
    writer = ReleveWriter(at=at)
    numbered = _numbered(facts)
    for one in numbered:
        _check_facts(one, on if by is not None else datetime.date.max)
    if by is not None and not may_survey_at_all(by, [one.geometry for one in numbered], on=on):
        raise _not_theirs()
    new = [one for one in numbered if one.external_id not in known]
    updated = 0
    for one in numbered:
        releve = known.get(one.external_id)
        if releve is not None and writer.write(releve, one):
            # Read again: what was prefetched is what the file has just changed.
            follow_with_sample(dataset.releves.select_related("sample").get(pk=releve.pk), at=at)
            updated += 1
    writer.add([(_submitted(dataset, by, at, one.external_id), one) for one in new])
    logger.info("releves imported", dataset=dataset.pk, created=len(new), updated=updated, by=by and by.pk)
    return StoredRows(created=len(new), updated=updated)


def _submitted(dataset: ReleveDataset, by: User | None, at: datetime.datetime, external_id: str) -> Releve:
    releve = _new_releve(dataset, by, at, external_id)
    # The same row of the same dataset is the same relevé in every clone: its sample keeps its place among the others.
    releve.uuid = uuid.uuid5(uuid.NAMESPACE_URL, f"releve:{dataset.name}:{external_id}")
    releve.state, releve.submitted_at = ReleveState.SUBMITTED, at
    return releve


def _new_releve(dataset: ReleveDataset, by: User | None, at: datetime.datetime, external_id: str) -> Releve:
    organisation = by.organisation if by else dataset.organisation
    return Releve(dataset=dataset, external_id=external_id, author=by, organisation=organisation, created_at=at)


def _numbered(facts: Sequence[ReleveFacts]) -> list[ReleveFacts]:
    """Without a number, what a relevé says is its number: importing again finds it."""
    seen: Counter[str] = Counter()
    numbered = []
    for one in facts:
        if one.external_id:
            numbered.append(one)
            continue
        cited = [(habitat.typology, habitat.code) for habitat in one.habitats]
        said = (one.observed_on, one.observers, bytes(one.geometry.wkb), cited)
        digest = hashlib.sha256(repr(said).encode()).hexdigest()[:16]
        seen[digest] += 1
        numbered.append(replace(one, external_id=f"row:{digest}:{seen[digest]}"))
    return numbered


def _next_number(dataset: ReleveDataset) -> str:
    """The next number of ours in a dataset, whose row stays locked until it is used."""
    ReleveDataset.objects.select_for_update().get(pk=dataset.pk)
    taken = dataset.releves.filter(external_id__regex=r"^F\d+$").values_list("external_id", flat=True)
    return f"F{max((int(number[1:]) for number in taken), default=0) + 1}"


def _held(releve: Releve, by: User, on: datetime.date) -> Releve:
    held = Releve.objects.select_for_update(of=("self",)).select_related("dataset", "sample").get(pk=releve.pk)
    if not may_change(by, held, on=on):
        raise NotAllowedError(_("Only its author, or a colleague who surveys there, changes a relevé."))
    return held


def _check_facts(facts: ReleveFacts, on: datetime.date) -> None:
    if facts.observed_on is not None and facts.observed_on > on:
        message = _("This day is still to come.")
        raise InvalidFieldsError(message, fields={"observed_on": message})
    if not facts.habitats:
        message = _("Cite a habitat.")
        raise InvalidFieldsError(message, fields={"habitat": message})


def _require_place(geometry: GEOSGeometry, by: User, on: datetime.date) -> None:
    if not may_survey_at(by, geometry, on=on):
        raise _not_theirs()


def _not_theirs() -> NotAllowedError:
    return NotAllowedError(_("No mandate of yours lets you survey at this place. Ask the Region for one."))


def _require_house(dataset: ReleveDataset, by: User | None) -> None:
    if by is None:
        is_theirs = dataset.organisation_id is None and dataset.created_by_id is None
    else:
        is_theirs = datasets_open_to(by).filter(pk=dataset.pk).exists()
    if not is_theirs:
        raise NotAllowedError(
            _("The dataset “%(dataset)s” belongs to somebody else. Choose another name.") % {"dataset": dataset.name}
        )
