import dataclasses
import datetime

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from bioccia.errors import InvalidFieldsError, NotAllowedError, StateForbidsError
from habitats import actions, queries
from habitats.actions import CitedHabitat, CitedSpecies
from habitats.models import Determination, Releve, Sample
from habitats.states import ReleveLevel, ReleveState, Resolution, SampleOrigin, SampleSet, TrainingObstacle
from species.states import Diffusion, Precision
from territories.states import OrganisationKind, Role
from tests import factories
from tests.factories import AN_INSTANT, releve_facts, spot

pytestmark = pytest.mark.django_db
TODAY = AN_INSTANT.date()
LATER = AN_INSTANT + datetime.timedelta(days=1)


@pytest.fixture
def place():
    """A region with a commune in a department, and two habitats of its legend under headings."""
    region = factories.RegionFactory()
    department = factories.TerritoryFactory(department=True, outline=factories.square(side=0.08))
    commune = factories.TerritoryFactory(name="Saint-Essai", parent=department)
    heading = factories.HabitatTypeFactory(code="E1", in_legend=True)
    habitats = {
        code: factories.HabitatTypeFactory(code=code, in_legend=True, parent=heading) for code in ("E1.2", "E1.3")
    }
    for habitat in habitats.values():
        factories.SampleFactory(habitat_type=habitat, geometry=factories.square(3, 3, side=0.0001))
    return {"region": region, "commune": commune, "department": department, "heading": heading, **habitats}


@pytest.fixture
def botanist(place):
    person = factories.person_with(Role.BOTANIST, place["department"])
    person.organisation = factories.OrganisationFactory(name="Bureau Cistus")
    person.save()
    return person


@pytest.fixture
def validator(place):
    person = factories.person_with(Role.VALIDATOR, place["department"])
    person.organisation = factories.OrganisationFactory(name="CBN", kind=OrganisationKind.CONSERVATORY)
    person.save()
    return person


@pytest.fixture
def dataset(botanist):
    return actions.store_releve_dataset(name="Campagne", by=botanist, at=AN_INSTANT, diffusion=Diffusion.PRECISE)


def submitted(dataset, botanist, **changes):
    facts = releve_facts(**changes)
    draft = actions.save_releve(facts=facts, dataset=dataset, by=botanist, at=AN_INSTANT)
    return actions.submit_releve(releve=draft, by=botanist, at=AN_INSTANT)


def judged(releve, validator, level=ReleveLevel.CERTAIN, at=AN_INSTANT):
    return actions.validate_releve(releve=releve, level=level, reason="Photographies nettes", by=validator, at=at)


def test_a_draft_is_kept_corrected_and_submitted(dataset, botanist, place):
    draft = actions.save_releve(facts=releve_facts(observers=""), dataset=dataset, by=botanist, at=AN_INSTANT)
    assert (draft.state, draft.external_id, draft.commune) == (ReleveState.DRAFT, "F1", place["commune"])
    with pytest.raises(InvalidFieldsError) as refusal:
        actions.submit_releve(releve=draft, by=botanist, at=AN_INSTANT)
    assert refusal.value.fields.keys() == {"observers"}
    actions.save_releve(facts=releve_facts(), dataset=dataset, by=botanist, at=AN_INSTANT, releve=draft)
    done = actions.submit_releve(releve=draft, by=botanist, at=AN_INSTANT)
    assert (done.state, done.is_stale, done.submitted_at) == (ReleveState.SUBMITTED, False, AN_INSTANT)
    with pytest.raises(StateForbidsError):
        actions.submit_releve(releve=draft, by=botanist, at=AN_INSTANT)
    with pytest.raises(StateForbidsError):
        actions.discard_draft(releve=draft, by=botanist, at=AN_INSTANT)
    other = actions.save_releve(facts=releve_facts(), dataset=dataset, by=botanist, at=AN_INSTANT)
    assert other.external_id == "F2"
    actions.discard_draft(releve=other, by=botanist, at=AN_INSTANT)
    assert not Releve.objects.filter(pk=other.pk).exists()


def test_a_validated_releve_becomes_one_sample_of_the_set_of_its_block(dataset, botanist, validator, place):
    releve = submitted(dataset, botanist)
    assert not Sample.objects.filter(origin=SampleOrigin.RELEVE, key__startswith="releve:").exists()
    releve = judged(releve, validator)
    sample = releve.sample
    assert (sample.key, sample.origin, sample.year) == (f"releve:{releve.uuid}", SampleOrigin.RELEVE, 2024)
    assert (sample.habitat_type, sample.geometry, sample.weight) == (place["E1.2"], spot(), 1)
    where = {"region": place["region"], "year": 2024, "geometry": spot()}
    assert sample.sample_set == queries.sample_set_at(**where)
    judged(releve, validator, ReleveLevel.PROBABLE)
    assert Sample.objects.filter(key=sample.key).count() == 1


def test_a_block_kept_for_choosing_models_stays_closed(dataset, botanist, validator, place):
    factories.SampleFactory(geometry=factories.square(side=0.01), selection=True)
    assert judged(submitted(dataset, botanist), validator).sample.sample_set == SampleSet.SELECTION


@pytest.mark.parametrize(
    ("changes", "is_stale"),
    [
        ({"comment": "faute de frappe"}, False),
        ({"method": "phytosociologique"}, False),
        ({"habitats": (CitedHabitat("EUNIS2012", "E1.3"),)}, True),
        ({"geometry": spot(0.001)}, True),
        ({"observed_on": datetime.date(2024, 5, 13)}, True),
    ],
)
def test_only_what_was_judged_makes_a_releve_stale(dataset, botanist, validator, changes, is_stale):
    releve = judged(submitted(dataset, botanist), validator)
    changed = actions.save_releve(
        facts=dataclasses.replace(releve_facts(), **changes), dataset=dataset, by=botanist, at=LATER, releve=releve
    )
    assert (changed.is_stale, changed.state) == (is_stale, ReleveState.SUBMITTED)
    assert changed.sample.retired_at == (LATER if is_stale else None)
    again = judged(changed, validator, at=LATER)
    assert (again.is_stale, again.sample.retired_at, again.sample.pk) == (False, None, releve.sample.pk)
    assert [one.level for one in again.validations.all()] == [1, 1]


def test_a_level_that_falls_retires_the_sample_and_never_deletes_it(dataset, botanist, validator):
    releve = judged(submitted(dataset, botanist), validator)
    doubtful = judged(releve, validator, ReleveLevel.DOUBTFUL, at=LATER)
    assert (doubtful.sample.pk, doubtful.sample.retired_at) == (releve.sample.pk, LATER)
    assert not Sample.objects.in_service().filter(pk=releve.sample.pk).exists()
    assert judged(doubtful, validator, at=LATER).sample.retired_at is None


def test_nobody_judges_the_releves_of_their_own_organisation(dataset, botanist, validator):
    releve = submitted(dataset, botanist)
    validator.organisation = botanist.organisation
    validator.save()
    with pytest.raises(NotAllowedError):
        judged(releve, validator)
    assert not queries.releves_waiting_for(validator, on=TODAY).exists()
    validator.organisation = None
    validator.save()
    with pytest.raises(NotAllowedError):
        judged(releve, validator)


def test_a_validator_judges_on_their_territory_only(dataset, botanist, validator):
    elsewhere = factories.TerritoryFactory(outline=factories.square(2, 2))
    stranger = factories.person_with(Role.VALIDATOR, elsewhere)
    stranger.organisation = validator.organisation
    stranger.save()
    releve = submitted(dataset, botanist)
    with pytest.raises(NotAllowedError):
        judged(releve, stranger)
    assert list(queries.releves_waiting_for(validator, on=TODAY)) == [releve]
    assert not queries.releves_waiting_for(stranger, on=TODAY).exists()


@pytest.mark.parametrize(("branch", "is_theirs"), [("E", True), ("G1", False)])
def test_a_validator_for_some_habitats_judges_those_alone(dataset, botanist, validator, branch, is_theirs):
    territory = validator.mandates.get().territory
    specialist = factories.MandateFactory(role=Role.VALIDATOR, territory=territory, habitat_branch=branch).user
    specialist.organisation = validator.organisation
    specialist.save()
    releve = submitted(dataset, botanist)
    assert list(queries.releves_waiting_for(specialist, on=TODAY)) == [releve] * is_theirs
    Releve.objects.update(shown_precision=Precision.NOTHING, shown_geometry=None)  # its exact place is for its judges
    assert queries.releves_visible_to(specialist, on=TODAY).exists() is is_theirs
    if is_theirs:
        assert judged(releve, specialist).level
    else:
        with pytest.raises(NotAllowedError):
            judged(releve, specialist)


def test_a_judgement_says_why_and_is_never_rewritten(dataset, botanist, validator):
    releve = submitted(dataset, botanist)
    with pytest.raises(InvalidFieldsError) as refusal:
        actions.validate_releve(releve=releve, level=9, reason=" ", by=validator, at=AN_INSTANT)
    assert refusal.value.fields.keys() == {"level", "reason"}
    judgement = judged(releve, validator).validations.get()
    judgement.reason = "autre"
    with pytest.raises(DatabaseError), transaction.atomic():
        judgement.save()


def test_a_draft_cannot_be_judged(dataset, botanist, validator):
    draft = actions.save_releve(facts=releve_facts(), dataset=dataset, by=botanist, at=AN_INSTANT)
    with pytest.raises(StateForbidsError):
        judged(draft, validator)


def test_a_batch_is_judged_whole_or_not_at_all(dataset, botanist, validator):
    releves = [submitted(dataset, botanist, geometry=spot(0.0005 * step)) for step in range(3)]
    draft = actions.save_releve(facts=releve_facts(), dataset=dataset, by=botanist, at=AN_INSTANT)
    with pytest.raises(StateForbidsError):
        actions.validate_releves(releves=[*releves, draft], level=1, reason="Série", by=validator, at=AN_INSTANT)
    assert not Releve.objects.filter(level=1).exists()
    actions.validate_releves(releves=releves, level=1, reason="Série", by=validator, at=AN_INSTANT)
    assert Releve.objects.validated().count() == 3
    with pytest.raises(InvalidFieldsError):
        actions.validate_releves(releves=[], level=1, reason="Série", by=validator, at=AN_INSTANT)


def test_surveying_needs_a_mandate_at_the_place_and_a_day_that_came(dataset, botanist):
    with pytest.raises(NotAllowedError):
        actions.save_releve(facts=releve_facts(geometry=spot(0.5)), dataset=dataset, by=botanist, at=AN_INSTANT)
    with pytest.raises(InvalidFieldsError):
        actions.save_releve(
            facts=releve_facts(observed_on=datetime.date(2031, 1, 1)), dataset=dataset, by=botanist, at=AN_INSTANT
        )
    stranger = factories.person_with(Role.REVIEWER)
    with pytest.raises(NotAllowedError):
        actions.save_releve(facts=releve_facts(), dataset=dataset, by=stranger, at=AN_INSTANT)
    with pytest.raises(NotAllowedError):
        actions.store_releve_dataset(name="Autre", by=stranger, at=AN_INSTANT)


def test_a_dataset_of_another_organisation_takes_nothing_from_us(dataset, place):
    rival = factories.person_with(Role.BOTANIST, place["department"])
    rival.organisation = factories.OrganisationFactory(name="Autre bureau")
    rival.save()
    with pytest.raises(NotAllowedError):
        actions.store_releve_dataset(name=dataset.name, by=rival, at=AN_INSTANT)
    with pytest.raises(NotAllowedError):
        actions.import_releves(dataset=dataset, facts=[releve_facts()], by=rival, at=AN_INSTANT)


def test_the_same_rows_again_double_nothing(dataset, botanist):
    facts = [releve_facts(external_id="12"), releve_facts(geometry=spot(0.001)), releve_facts(geometry=spot(0.001))]
    first = actions.import_releves(dataset=dataset, facts=facts, by=botanist, at=AN_INSTANT)
    again = actions.import_releves(dataset=dataset, facts=facts, by=botanist, at=LATER)
    assert (first.created, again.created, again.updated) == (3, 0, 0)
    changed = [dataclasses.replace(facts[0], comment="revu"), *facts[1:]]
    assert actions.import_releves(dataset=dataset, facts=changed, by=botanist, at=LATER).updated == 1
    assert Releve.objects.submitted().count() == 3


def test_a_habitat_within_a_row_of_the_legend_is_that_row(dataset, botanist, validator, place):
    factories.HabitatTypeFactory(code="E1.26", parent=place["E1.2"])
    releve = judged(submitted(dataset, botanist, habitats=(CitedHabitat("EUNIS2012", "e1.26"),)), validator)
    (determination,) = releve.determinations.all()
    assert (determination.cited_code, determination.resolution) == ("e1.26", Resolution.EXACT)
    assert releve.sample.habitat_type == place["E1.2"]


@pytest.fixture
def crosswalked(place):
    """A syntaxon that published tables give as two habitats of the legend."""
    return factories.crosswalk_to(place["E1.2"], place["E1.3"], code="MB-1", typology="PVF2")


def test_an_n_to_m_correspondence_teaches_once_a_person_confirmed_it(dataset, botanist, validator, place, crosswalked):
    releve = judged(submitted(dataset, botanist, habitats=(CitedHabitat("PVF2", "MB-1"),)), validator)
    (determination,) = releve.determinations.all()
    assert (determination.resolution, determination.resolved_type) == (Resolution.PROPOSED, None)
    assert queries.training_obstacles(releve, region=place["region"]) == [TrainingObstacle.HABITAT]
    assert releve.sample is None
    with pytest.raises(InvalidFieldsError):
        actions.confirm_habitat(determination=determination, habitat_type=place["heading"], by=validator, at=AN_INSTANT)
    with pytest.raises(NotAllowedError):
        actions.confirm_habitat(determination=determination, habitat_type=place["E1.3"], by=botanist, at=AN_INSTANT)
    actions.confirm_habitat(determination=determination, habitat_type=place["E1.3"], by=validator, at=AN_INSTANT)
    releve.refresh_from_db()
    assert releve.sample.habitat_type == place["E1.3"]
    facts = releve_facts(habitats=(CitedHabitat("PVF2", "MB-1"),), comment="relu")
    actions.save_releve(facts=facts, dataset=dataset, by=botanist, at=LATER, releve=releve)
    assert Determination.objects.get(releve=releve).resolution == Resolution.CONFIRMED


def test_an_unconfirmed_correspondence_trains_at_a_parent_that_the_map_shows(
    dataset, botanist, validator, place, crosswalked
):
    factories.SampleFactory(habitat_type=place["heading"], geometry=factories.square(3, 3, side=0.0001))
    releve = judged(submitted(dataset, botanist, habitats=(CitedHabitat("PVF2", "MB-1"),)), validator)
    assert releve.determinations.get().resolution == Resolution.PARENT_ONLY
    assert releve.sample.habitat_type == place["heading"]


def test_a_correspondence_that_came_later_is_found_at_the_next_import(dataset, botanist, place):
    facts = [releve_facts(habitats=(CitedHabitat("PVF2", "MB-1"),))]
    actions.import_releves(dataset=dataset, facts=facts, by=botanist, at=AN_INSTANT)
    assert Determination.objects.get().resolution == Resolution.UNRESOLVED
    factories.crosswalk_to(place["E1.2"], code="MB-1", typology="PVF2")
    assert actions.import_releves(dataset=dataset, facts=facts, by=botanist, at=LATER).updated == 1
    assert Determination.objects.get().resolution == Resolution.PROPOSED
    assert Releve.objects.get().is_stale is False


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [
        ({"observed_on": None}, TrainingObstacle.DATE),
        ({"accuracy_m": 200.0}, TrainingObstacle.VAGUE),
        (
            {"habitats": (CitedHabitat("EUNIS2012", "E1.2", "", 50), CitedHabitat("EUNIS2012", "E1.3", "", 50))},
            TrainingObstacle.MOSAIC,
        ),
    ],
)
def test_what_cannot_teach_is_kept_and_says_why(dataset, botanist, validator, place, changes, obstacle):
    actions.import_releves(dataset=dataset, facts=[releve_facts(**changes)], by=botanist, at=AN_INSTANT)
    releve = judged(Releve.objects.get(), validator)
    assert queries.training_obstacles(releve, region=place["region"]) == [obstacle]
    assert releve.sample is None


def test_the_habitat_that_covers_three_quarters_of_a_mosaic_teaches(dataset, botanist, validator, place):
    habitats = (CitedHabitat("EUNIS2012", "E1.2", "", 20), CitedHabitat("EUNIS2012", "E1.3", "", 80))
    assert judged(submitted(dataset, botanist, habitats=habitats), validator).sample.habitat_type == place["E1.3"]


def test_a_month_is_kept_as_a_month_and_no_day_is_made_up(dataset, botanist, validator):
    month = {"observed_on": datetime.date(2024, 5, 1), "date_precision": "month"}
    releve = judged(submitted(dataset, botanist, **month), validator)
    assert (releve.sample.year, releve.sample.observed_on) == (2024, None)


def test_species_are_kept_as_cited_with_their_coefficient(dataset, botanist):
    species = (CitedSpecies("Thymus vulgaris", "3"), CitedSpecies("Aphyllanthes monspeliensis", "+"))
    releve = submitted(dataset, botanist, species=species)
    assert {(one.cited_name, one.abundance) for one in releve.species.all()} == {
        ("Thymus vulgaris", "3"),
        ("Aphyllanthes monspeliensis", "+"),
    }


def test_what_is_shown_of_the_place_follows_sensitivity_and_convention(botanist, place):
    standard = actions.store_releve_dataset(name="Par commune", by=botanist, at=AN_INSTANT)
    releve = actions.save_releve(facts=releve_facts(), dataset=standard, by=botanist, at=AN_INSTANT)
    assert releve.shown_precision == Precision.COMMUNE
    assert releve.shown_geometry != releve.geometry
    hidden = actions.save_releve(facts=releve_facts(sensitivity=4), dataset=standard, by=botanist, at=AN_INSTANT)
    assert (hidden.shown_precision, hidden.shown_geometry) == (Precision.NOTHING, None)


def test_only_people_with_the_right_see_the_exact_place(botanist, validator, place):
    standard = actions.store_releve_dataset(name="Par commune", by=botanist, at=AN_INSTANT)
    releve = submitted(standard, botanist)
    hidden = submitted(standard, botanist, sensitivity=4)
    adjudicator = factories.person_with(Role.ADJUDICATOR)
    for person, exact in ((botanist, True), (validator, True), (adjudicator, False)):
        seen = queries.releves_visible_to(person, on=TODAY).get(pk=releve.pk)
        assert (seen.is_exact, seen.place == releve.geometry) == (exact, exact)
    assert not queries.releves_visible_to(adjudicator, on=TODAY).filter(pk=hidden.pk).exists()
    assert not queries.releves_visible_to(factories.person_with(Role.PLANNER), on=TODAY).exists()


def test_the_sample_of_a_releve_that_may_not_be_placed_is_not_listed(botanist, validator):
    standard = actions.store_releve_dataset(name="Par commune", by=botanist, at=AN_INSTANT)
    releve = judged(submitted(standard, botanist), validator)
    engineer = factories.person_with(Role.MODEL_ENGINEER)
    assert Sample.objects.in_service().filter(pk=releve.sample.pk).exists()
    assert not queries.samples_visible_to(engineer, on=TODAY).filter(pk=releve.sample.pk).exists()


def test_a_draft_of_somebody_else_is_nobody_elses(dataset, botanist, validator):
    draft = actions.save_releve(facts=releve_facts(), dataset=dataset, by=botanist, at=AN_INSTANT)
    assert queries.releves_visible_to(botanist, on=TODAY).filter(pk=draft.pk).exists()
    assert not queries.releves_visible_to(validator, on=TODAY).filter(pk=draft.pk).exists()


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"level": 1, "state": "draft", "submitted_at": None}, "releve_draft_is_not_judged"),
        ({"is_stale": True}, "releve_stale_was_judged"),
        ({"sensitivity": 3}, "releve_never_shown_finer"),
        ({"accuracy_m": -1}, "releve_accuracy_not_negative"),
        ({"external_id": ""}, "releve_has_a_number"),
    ],
)
def test_the_database_refuses_impossible_rows(place, changes, constraint):
    with pytest.raises(IntegrityError, match=constraint):
        factories.ReleveFactory(**changes)
