"""Questions about releases, and what a gate asks of the year's consultation."""

from typing import Any

from django.db.models import Count, Sum

from feedback.models import Release, ReleaseThresholds, Report, Round
from feedback.models.releases import ReleaseQuerySet
from feedback.models.reports import ReportQuerySet
from feedback.models.rounds import RoundQuerySet
from feedback.states import ReleaseState
from habitats.models import AuditSample, Correction, ReleveDataset, Vintage
from territories.models import Region


def releases_for_lists() -> ReleaseQuerySet:
    """Releases with what their lines show."""
    return Release.objects.select_related("vintage__version", "region").defer("region__footprint")


def public_release(year: int, number: int) -> Release | None:
    """A release whose page everybody may read."""
    return releases_for_lists().public().filter(year=year, number=number).first()


def latest_release(year: int) -> Release | None:
    """The last number of a year: the one that stands, else the last that did."""
    public = releases_for_lists().public().filter(year=year)
    return public.filter(state=ReleaseState.PUBLISHED).first() or public.order_by("-number").first()


def next_number(region: Region, year: int) -> int:
    """The number that the next release of a year takes; an abandoned one leaves its number free."""
    taken = Release.objects.filter(region=region, year=year).exclude(state=ReleaseState.ABANDONED)
    last = taken.order_by("-number").first()
    return 0 if last is None else last.number + 1


def release_before(release: Release) -> Release | None:
    """The published release that this one follows: of its own year, else of the closest earlier year."""
    of_region = Release.objects.select_related("vintage").filter(region=release.region_id)
    stood = of_region.filter(state__in=[ReleaseState.PUBLISHED, ReleaseState.SUPERSEDED])
    same_year = stood.filter(year=release.year, number__lt=release.number).order_by("-number").first()
    return same_year or stood.filter(year__lt=release.year).order_by("-year", "-number").first()


def was_released(vintage: Vintage) -> bool:
    """Whether a release carries this very map: an erratum of it is judged by the same audit sample."""
    return Release.objects.public().filter(vintage=vintage).exists()


def thresholds_of(region: Region, year: int) -> ReleaseThresholds | None:
    """What a release of the year must reach."""
    return ReleaseThresholds.objects.select_related("fixed_by").filter(region=region, year=year).first()


def rounds_of(region: Region, year: int) -> RoundQuerySet:
    """The rounds of a year."""
    return Round.objects.filter(region=region, year=year).order_by("key")


def reports_of(region: Region, year: int) -> ReportQuerySet:
    """What was sent in the rounds of a year."""
    return Report.objects.not_drafts().filter(round__region=region, round__year=year)


def report_counts(region: Region, year: int) -> dict[str, dict[str, Any]]:
    """Number and hectares of the reports of a year by state."""
    rows = reports_of(region, year).order_by().values("state").annotate(count=Count("pk"), area=Sum("area_m2"))
    return {row["state"]: {"count": row["count"], "hectares": round((row["area"] or 0) / 10_000, 4)} for row in rows}


def audit_of(vintage: Vintage) -> AuditSample | None:
    """The last audit sample drawn for the year of a map."""
    drawn = AuditSample.objects.filter(region=vintage.region_id, year=vintage.year)
    return drawn.select_related("vintage").order_by("-number").first()


def corrections_since_opening(vintage: Vintage) -> int:
    """How many corrections and reversals of a map came after its audit sample was opened."""
    audit = audit_of(vintage)
    if audit is None or audit.opened_at is None:
        return 0
    return Correction.objects.filter(vintage=vintage, decided_at__gt=audit.opened_at).count()


def licences_of_inputs(vintage: Vintage) -> dict[str, str]:
    """The licence, as its owner words it, of each input of a map: the region's folder, and the relevés it learned from.

    Observations of species are not in the map.
    """
    region = vintage.region
    learned_from = ReleveDataset.objects.filter(
        releves__sample__isnull=False, releves__sample__year__lte=vintage.year
    ).distinct()
    return {region.name: region.licence, **dict(learned_from.values_list("name", "licence"))}
