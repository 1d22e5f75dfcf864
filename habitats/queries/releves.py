"""Questions about relevés: who sees which and how precisely, what waits, what keeps one from teaching the map."""

import datetime
from collections.abc import Sequence
from typing import Any

from django.contrib.gis.db.models import GeometryField
from django.db.models import BooleanField as YesNo
from django.db.models import Case, Exists, ExpressionWrapper, F, OuterRef, Prefetch, Q, QuerySet, When

from habitats.models import Determination, HabitatType, Releve, ReleveDataset
from habitats.models.releves import ReleveQuerySet
from habitats.models.typologies import HabitatTypeQuerySet
from habitats.queries.branches import types_in_branch
from habitats.queries.maps import mappable_legend
from habitats.states import TRAINABLE_LEVELS, ReleveState, TrainingObstacle
from species.states import Precision
from territories.models import Region, Territory, User
from territories.permissions import Person, holdings_with_right, territories_with_right
from territories.states import TerritoryKind

# In a mosaic, what covers this much (%) is what a cell of the map would show.
DOMINANT_COVER = 75.0
# A position vaguer than this many cells may lie in any of them.
VAGUEST_CELLS = 3
EVERYTHING, NOTHING = Q(pk__isnull=False), Q(pk__in=[])


def releves_visible_to(person: Person, *, on: datetime.date) -> ReleveQuerySet:
    """Relevés that a person may see, each with `place` as precisely as they may see it, and `is_exact`.

    One's own and one's organisation's are seen as they are, and so are those that one may validate or lead campaigns
    for. Who may see reference samples sees the place that the sensitivity and the dataset's convention allow.
    """
    if not isinstance(person, User):
        return Releve.objects.none()
    submitted = Q(state=ReleveState.SUBMITTED)
    of_house = Q(organisation=person.organisation_id) if person.organisation_id else NOTHING
    whole = Q(author=person) | (
        submitted & (of_house | _judged_by(person, on) | _inside(person, ("lead_campaign",), on))
    )
    coarse = submitted & ~Q(shown_precision=Precision.NOTHING) & _inside(person, ("see_samples",), on, "shown_geometry")
    is_exact = whole | Q(shown_precision=Precision.EXACT)
    place = Case(When(is_exact, then=F("geometry")), default=F("shown_geometry"), output_field=GeometryField(srid=4326))
    return (
        Releve.objects.filter(whole | coarse)
        .annotate(is_exact=ExpressionWrapper(is_exact, output_field=YesNo()), place=place)
        .select_related("dataset", "author", "organisation")
    )


def releves_of(person: User) -> ReleveQuerySet:
    """Those that a person wrote or sent, the latest change first."""
    return Releve.objects.filter(author=person).select_related("dataset")


def releves_waiting_for(person: Person, *, on: datetime.date) -> ReleveQuerySet:
    """Those that a validator may judge now, the oldest first: of another organisation, on their territory."""
    if not isinstance(person, User) or person.organisation_id is None:
        return Releve.objects.none()
    others = Q(organisation__isnull=True) | ~Q(organisation=person.organisation_id)
    return (
        Releve.objects.waiting()
        .filter(others, _judged_by(person, on))
        .exclude(author=person)
        .select_related("dataset", "organisation", "author")
        .order_by("submitted_at", "pk")
    )


def with_determinations(releves: QuerySet[Releve]) -> QuerySet[Releve]:
    """Relevés with their habitats, for lists."""
    habitats = Determination.objects.select_related("cited_type", "resolved_type").order_by("position")
    return releves.prefetch_related(Prefetch("determinations", queryset=habitats))


def datasets_open_to(person: User) -> QuerySet[ReleveDataset]:
    """The datasets that a person may add to: those of their organisation, or their own where they have none."""
    if person.organisation_id:
        return ReleveDataset.objects.filter(organisation=person.organisation_id)
    return ReleveDataset.objects.filter(organisation__isnull=True, created_by=person)


def dominant_determination(determinations: Sequence[Determination]) -> Determination | None:
    """The habitat that a relevé shows: the only one, or the one that covers three quarters of a mosaic."""
    if len(determinations) == 1:
        return determinations[0]
    covering = [one for one in determinations if (one.cover_pct or 0) >= DOMINANT_COVER]
    return covering[0] if len(covering) == 1 else None


def training_obstacles(releve: Releve, *, region: Region) -> list[TrainingObstacle]:
    """What keeps a relevé from teaching the map; nothing where it may."""
    dominant = dominant_determination(list(releve.determinations.all()))
    met: dict[TrainingObstacle, bool] = {
        TrainingObstacle.DRAFT: releve.state == ReleveState.DRAFT,
        TrainingObstacle.LEVEL: releve.level not in TRAINABLE_LEVELS,
        TrainingObstacle.STALE: releve.is_stale,
        TrainingObstacle.DATE: releve.observed_on is None,
        TrainingObstacle.MOSAIC: dominant is None,
        TrainingObstacle.HABITAT: dominant is not None and dominant.resolved_type_id is None,
        TrainingObstacle.VAGUE: (releve.accuracy_m or 0) > VAGUEST_CELLS * region.resolution_m,
    }
    return [obstacle for obstacle, is_met in met.items() if is_met]


def habitat_types_named(text: str, *, typology: str = "") -> HabitatTypeQuerySet:
    """Habitats whose code begins with a text or whose name holds it, codes first; of the legend unless one is named."""
    types = HabitatType.objects.select_related("typology", "legend_entry")
    found = (
        types.filter(typology__code=typology)
        if typology
        else types.filter(pk__in=mappable_legend().values("habitat_type"))
    )
    by_code = Case(When(code__iexact=text, then=0), When(code__istartswith=text, then=1), default=2)
    return found.matching(text).order_by(by_code, "code", "pk")


def _judged_by(person: User, on: datetime.date) -> Any:
    """Where the person validates; where a mandate is for some habitats, the relevés that name one of them."""
    held = holdings_with_right(person, "validate_releve", on=on)
    found = _touching([one.territory for one in held if not one.branch])
    for branch in sorted({one.branch for one in held if one.branch}):
        types = types_in_branch(branch)
        named = Q(cited_type__in=types) | Q(resolved_type__in=types)
        names = Exists(Determination.objects.filter(named, releve=OuterRef("pk")))
        found |= _touching([one.territory for one in held if one.branch == branch]) & Q(names)
    return found


def _inside(person: User, rights: Sequence[str], on: datetime.date, field: str = "geometry") -> Any:
    """Whether a place touches a territory where a mandate gives one of the rights; a condition for filters."""
    held = [territory for right in rights for territory in territories_with_right(person, right, on=on)]
    return _touching(held, field)


def _touching(held: Sequence[Territory], field: str = "geometry") -> Q:
    if any(territory.kind == TerritoryKind.REGION for territory in held):
        return EVERYTHING
    if not held:
        return NOTHING
    places = Territory.objects.filter(pk__in={territory.pk for territory in held}).order_by()
    return Q(Exists(places.filter(geometry__intersects=OuterRef(field))))
