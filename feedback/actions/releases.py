"""Every write about a release, from its dossier to its publication."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from bioccia.errors import NotAllowedError, StateForbidsError
from feedback import gate
from feedback.actions.decisions import integrate_reports
from feedback.actions.dossier import hash_of_dossier, parts_that_differ, write_dossier
from feedback.errors import DossierChangedError, GateClosedError, written
from feedback.models import Release, ReleaseFile, ReleaseSignature
from feedback.queries import releases as queries
from feedback.queries.reports import reports_carried_by
from feedback.states import RELEASE_MOVES, GateState, ReleaseState
from habitats.actions import publish_vintage
from habitats.models import Vintage
from habitats.queries import dropped_corrections
from habitats.queries.publication import hash_of_polygons
from ml.actions import register_published_map, request_run
from ml.states import OPEN_RUN_STATES, RunKind
from territories.models import Organisation, User
from territories.permissions import require_everywhere

logger = structlog.get_logger(__name__)
SIGNATURES_NEEDED = 2


@dataclass(frozen=True)
class PublishedFile:
    """One file of a release, as its manifest names it."""

    name: str
    sha256: str
    size_bytes: int
    media_type: str


@transaction.atomic
def prepare_release(
    *, vintage: Vintage, by: User, at: datetime.datetime, acknowledges_dropped: bool = False
) -> Release:
    """Write the dossier of a working map; prepared again, it loses the signatures of what it was.

    Args:
        vintage: the working map of its year.
        by: a release administrator of the whole region.
        at: the moment.
        acknowledges_dropped: they read the list of earlier corrections that the map no longer follows.

    Raises:
        NotAllowedError: no `release` on the whole region.
        StateForbidsError: the dossier of the year has its two signatures.
        GateClosedError: something that the gate asks for does not hold; the sentences say what to do.
    """
    require_everywhere(by, "release", on=at.date())
    of_year = Release.objects.filter(region=vintage.region_id, year=vintage.year)
    release = of_year.under_way().select_for_update().first()  # before the map: signatures lock in this order
    vintage = _locked_vintage(vintage)
    if release is not None and release.state != ReleaseState.PREPARED:
        raise StateForbidsError(
            _("Release %(release)s has its two signatures: wait for its publication, or abandon it.")
            % {"release": release}
        )
    _check_grace(vintage, at)
    _check_gate(vintage, acknowledges_dropped=acknowledges_dropped)
    number = release.number if release else queries.next_number(vintage.region, vintage.year)
    dossier = write_dossier(vintage, number=number, acknowledged=dropped_corrections(vintage).count())
    facts = {"vintage": vintage, "dossier": dossier, "dossier_sha256": hash_of_dossier(dossier)}
    if release is None:
        release = Release(region=vintage.region, year=vintage.year, number=number)
    elif release.dossier_sha256 == facts["dossier_sha256"]:
        return release
    else:
        release.signatures.all().delete()
    for name, value in {**facts, "prepared_by": by, "prepared_at": at}.items():
        setattr(release, name, value)
    release.save()
    logger.info("release prepared", release=str(release), dossier=release.dossier_sha256, by=by.pk)
    return release


def _locked_vintage(vintage: Vintage) -> Vintage:
    """The map, held to the end of the transaction: no correction comes between reading and writing."""
    Vintage.objects.select_for_update().get(pk=vintage.pk)
    related = ("region", "version__training_set", "classes", "confidence")
    return Vintage.objects.select_related(*related).get(pk=vintage.pk)


def _check_grace(vintage: Vintage, at: datetime.datetime) -> None:
    """See that no draft can still be sent: its author was told until when."""
    in_grace = queries.rounds_of(vintage.region, vintage.year).in_grace(at).order_by("grace_ends_at").last()
    if in_grace is not None:
        raise GateClosedError(
            _("Drafts of the round %(round)s may still be sent until %(moment)s: prepare the dossier after that.")
            % {"round": in_grace.name, "moment": written(in_grace.grace_ends_at)}
        )


def _check_gate(vintage: Vintage, *, acknowledges_dropped: bool) -> None:
    lines = gate.checklist(vintage)
    faults = [f"{line.sentence} {line.way_out}" for line in lines if line.is_blocking]
    if not acknowledges_dropped:
        faults += [f"{line.sentence} {line.way_out}" for line in lines if line.state == GateState.TO_ACKNOWLEDGE]
    if faults:
        raise GateClosedError(" ".join(faults))


@transaction.atomic
def sign_dossier(*, release: Release, by: User, dossier_sha256: str, at: datetime.datetime) -> Release:
    """Sign the dossier that one has read, by its hash; the second signature asks for the publication.

    Args:
        release: a prepared release.
        by: a release administrator of the whole region, of another service than the first signer.
        dossier_sha256: the hash shown beside the dossier that was read.
        at: the moment.

    Raises:
        NotAllowedError: no `release` on the whole region, no service, or the service has signed already.
        DossierChangedError: the hash is another one, or the map, the reports or the gate changed since.
        StateForbidsError: it is not waiting for signatures.
        RunOpenError: another run of the region is open.
    """
    require_everywhere(by, "release", on=at.date())
    held = _held(release)
    _check_state(held, "sign")
    organisation = _service_that_may_sign(held, by)
    if dossier_sha256 != held.dossier_sha256:
        raise DossierChangedError(_("The dossier was prepared again since you opened it: read it again, then sign."))
    _check_still_true(held)
    ReleaseSignature.objects.create(
        release=held, signer=by, organisation=organisation, dossier_sha256=dossier_sha256, signed_at=at
    )
    logger.info("dossier signed", release=str(held), dossier=dossier_sha256, by=by.pk)
    if held.signatures.count() >= SIGNATURES_NEEDED:
        _move(held, "sign")
        held = request_publication(release=held, at=at)
    return held


def _service_that_may_sign(release: Release, by: User) -> Organisation:
    if by.organisation is None:
        raise NotAllowedError(_("Your account names no service: the administration adds it, then you can sign."))
    for signature in release.signatures.select_related("organisation"):
        if signature.signer_id == by.pk:
            raise NotAllowedError(_("You have signed this dossier already; the other signature is somebody else's."))
        if signature.organisation_id == by.organisation_id:
            raise NotAllowedError(
                _("%(service)s has signed already: the second signature comes from another service.")
                % {"service": signature.organisation}
            )
    return by.organisation


def _check_still_true(release: Release) -> None:
    now = write_dossier(
        _locked_vintage(release.vintage),
        number=release.number,
        acknowledged=release.dossier.get("acknowledged_dropped", 0),
    )
    if hash_of_dossier(now) != release.dossier_sha256:
        raise DossierChangedError(
            _("Changed since the dossier was prepared: %(parts)s. Prepare it again, then read it and sign.")
            % {"parts": ", ".join(parts_that_differ(release.dossier, now))}
        )


@transaction.atomic
def request_publication(*, release: Release, at: datetime.datetime) -> Release:
    """Make the run that writes the files of a signed release, once; the edge rings for it.

    Raises:
        StateForbidsError: it does not have its two signatures.
        RunOpenError: another run of the region is open.
    """
    held = _held(release)
    _check_state(held, "publish")
    if held.run_id is None:
        last = held.signatures.select_related("signer").order_by("-signed_at", "-pk").first()
        held.run = request_run(
            region=held.region,
            year=held.year,
            kind=RunKind.PUBLICATION,
            at=at,
            by=last.signer if last else None,
            parameters={"release": str(held)},
        )
        held.save(update_fields=["run"])
    return held


@transaction.atomic
def publish_release(
    *,
    release: Release,
    files: list[PublishedFile],
    content_sha256: str,
    layers: Mapping[str, str],
    at: datetime.datetime,
) -> Release:
    """Make a signed release stand, in one transaction: its map, its files, its reports, what it takes the place of.

    Args:
        release: signed, its folder in place.
        files: what the folder holds, manifest included.
        content_sha256: the hash of what it says.
        layers: files of the rasters for the catalogue of predictors, by name.
        at: the moment.

    Raises:
        StateForbidsError: it is not signed any more, its map is not the working one, or a report came in meanwhile.
        DossierChangedError: a polygon changed since the signatures.
    """
    held = _held(release)
    _check_state(held, "publish")
    _lock_reports(held)
    _check_map_as_signed(held)
    _check_nothing_came_in(held)
    # Releases before their maps, as a withdrawal does.
    superseded = list(Release.objects.select_for_update().published().filter(region=held.region_id, year=held.year))
    publish_vintage(vintage=held.vintage, at=at)
    for earlier in superseded:
        earlier.ended_at, earlier.ended_reason = at, str(held)
        _move(earlier, "supersede")
    ReleaseFile.objects.bulk_create(
        ReleaseFile(
            release=held,
            name=file.name,
            sha256=file.sha256,
            size_bytes=file.size_bytes,
            media_type=file.media_type,
        )
        for file in files
    )
    held.content_sha256, held.published_at = content_sha256, at
    _move(held, "publish")
    register_published_map(year=held.year, layers=layers)
    integrated = integrate_reports(release=held, at=at)
    logger.info("release published", release=str(held), content=content_sha256, reports=integrated)
    return held


def _lock_reports(release: Release) -> None:
    """Hold the reports before the map, as decisions and reverts do."""
    list(reports_carried_by(release).select_for_update(of=("self",)).values_list("pk", flat=True))


def _check_nothing_came_in(release: Release) -> None:
    """See that no report is left waiting on a published map.

    Who sends a report keeps the map until its row stands: asked before the map is locked, a report being sent at this
    moment would not be seen.
    """
    if queries.reports_of(release.region, release.year).open().exists():
        raise StateForbidsError(
            _("A report came in after the signatures: decide it, abandon release %(release)s and prepare it again.")
            % {"release": release}
        )


def _check_map_as_signed(release: Release) -> None:
    if hash_of_polygons(_locked_vintage(release.vintage)) != release.dossier["map"]["sha256"]:
        raise DossierChangedError(
            _("The map changed after it was signed: abandon release %(release)s, prepare it again and have it signed.")
            % {"release": release}
        )


@transaction.atomic
def abandon_release(*, release: Release, by: User, at: datetime.datetime, reason: str) -> Release:
    """Give up a release that is not published; its number goes to the next one.

    Raises:
        NotAllowedError: no `release` on the whole region.
        StateForbidsError: it is published, or its publication is under way.
    """
    require_everywhere(by, "release", on=at.date())
    held = _held(release)
    _check_state(held, "abandon")
    if held.run is not None and held.run.state in OPEN_RUN_STATES:
        raise StateForbidsError(_("Its publication is under way: stop the run first, on its page."))
    held.ended_at, held.ended_reason = at, reason.strip()
    _move(held, "abandon")
    logger.info("release abandoned", release=str(held), by=by.pk)
    return held


def _held(release: Release) -> Release:
    """The row, locked to the end of the transaction."""
    Release.objects.select_for_update().get(pk=release.pk)
    return Release.objects.select_related("region", "vintage", "run").get(pk=release.pk)


def _check_state(release: Release, move: str) -> None:
    if release.state not in RELEASE_MOVES[move][0]:
        raise StateForbidsError(
            _("Release %(release)s is %(state)s: this cannot be done to it.")
            % {"release": release, "state": release.get_state_display()}
        )


def _move(release: Release, move: str) -> None:
    _check_state(release, move)
    release.state = RELEASE_MOVES[move][1]
    release.save()
