import datetime

import pytest
from django.db import IntegrityError, transaction

from bioccia.errors import InvalidFieldsError, NotAllowedError, StateForbidsError
from habitats import actions
from habitats.actions.audit_draw import LARGEST_SEED
from habitats.models import AuditLabel, AuditPoint, AuditSample
from habitats.queries.audit import audit_of, labelling_counts, opened_document, own_labels, waiting_points
from habitats.states import AuditState
from ml.compute.sampling import hash_text
from territories.states import Role
from tests import factories
from tests.habitats.audit_cases import (
    AT,
    drawn_sample,
    interpreters,
    label,
    legend_of_three,
    published_map,
    working_map,
)
from tests.ml.compute.test_chips import write_images

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def files(tmp_path, settings):
    settings.FILES_DIR = tmp_path / "files"
    settings.FILES_DIR.mkdir()
    return tmp_path


@pytest.fixture
def habitats():
    return legend_of_three()


@pytest.fixture
def audit(files, habitats):
    return drawn_sample(files)


def agree_everywhere(audit, habitat, people):
    for point in audit.points.all():
        for person in people:
            label(point, habitat, person)


def test_a_draw_is_stratified_by_the_last_published_map(audit):
    assert audit.points.count() == audit.size == 60
    assert audit.design["strata"] == "classes"
    assert set(audit.strata_areas) == {"E1.2", "E2.1", "G1.7"}
    assert sum(audit.strata_areas.values()) == pytest.approx(120 * 80 * 100)
    assert set(audit.points.values_list("stratum", flat=True)) == set(audit.strata_areas)
    assert audit.state == AuditState.DRAWN
    assert audit_of(2024) == audit
    assert audit_of(2023) is None


def test_points_stand_at_the_centres_of_cells(audit):
    for point in audit.points.all():
        assert (point.x % 10, point.y % 10) == (5, 5)
        back = point.point.transform(2154, clone=True)
        assert (back.x, back.y) == (pytest.approx(point.x, abs=0.01), pytest.approx(point.y, abs=0.01))


def test_without_a_published_map_the_ground_itself_is_divided(files, habitats):
    factories.RegionFactory()
    factories.PredictorLayerFactory(file=str(write_images(files / "s2.tif")))
    audit = actions.draw_audit_sample(region=factories.RegionFactory(), year=2024, size=60, seed=3, by=None, at=AT)
    assert audit.design["strata"] == "blocks"
    assert audit.design["source"] == {"stack": 2024}


def test_a_working_map_is_no_basis_for_strata(files, habitats):
    vintage = published_map(files)
    vintage.state = "working"
    vintage.save()
    factories.PredictorLayerFactory(file=str(write_images(files / "s2.tif")))
    audit = actions.draw_audit_sample(region=vintage.region, year=2024, size=60, seed=3, by=None, at=AT)
    assert audit.design["strata"] == "blocks"


def test_a_real_region_keeps_half_of_its_seed_sealed_and_a_simulated_one_plays_the_same_everywhere(files, habitats):
    factories.RegionFactory()
    first = drawn_sample(files)
    assert len(first.secret) == 32
    assert len(first.design["secret_sha256"]) == 64
    first.region.is_simulated = True
    hashes = set()
    for _time in range(2):
        AuditSample.objects.all().delete()
        asked = {"region": first.region, "year": 2024, "size": 60, "seed": 11, "by": None, "at": AT}
        again = actions.draw_audit_sample(**asked)
        assert again.secret == again.design["secret_sha256"] == ""
        hashes.add(again.sha256)
    assert len(hashes) == 1
    assert hashes != {first.sha256}


@pytest.mark.parametrize("begun", ["step", "vintage"])
def test_a_year_whose_mapping_has_begun_is_refused(files, habitats, begun):
    published_map(files)
    region = factories.RegionFactory()
    if begun == "step":
        run = factories.RunFactory(region=region, failed=True, year=2024)
        factories.RunStepFactory(run=run, name="map_by_windows")
    else:
        factories.VintageFactory(region=region, year=2024, replaced=True)
    with pytest.raises(StateForbidsError):
        actions.draw_audit_sample(region=region, year=2024, size=60, seed=1, by=None, at=AT)


def test_a_run_that_only_trains_does_not_stand_in_the_way(files, habitats):
    run = factories.RunFactory(region=factories.RegionFactory(), running=True, year=2024)
    factories.RunStepFactory(run=run, name="train", running=True)
    assert drawn_sample(files).size == 60


def test_one_draw_a_year_and_a_second_one_states_its_number_and_why(audit):
    asked = {"size": 60, "seed": 12, "by": None, "at": AT}
    with pytest.raises(StateForbidsError):
        actions.draw_audit_sample(region=audit.region, year=2024, **asked)
    with pytest.raises(InvalidFieldsError):
        actions.redraw_audit_sample(audit=audit, reason=" ", **asked)
    again = actions.redraw_audit_sample(audit=audit, reason="The images of May were replaced.", **asked)
    assert (again.number, str(again)) == (2, "2024.2")
    assert audit_of(2024) == again
    assert AuditSample.objects.filter(pk=audit.pk).exists()


def test_a_sample_with_labels_is_not_drawn_again(audit, habitats):
    label(audit.points.first(), habitats[0], interpreters(1)[0])
    audit.refresh_from_db()
    with pytest.raises(StateForbidsError):
        actions.redraw_audit_sample(audit=audit, size=60, seed=1, reason="No.", by=None, at=AT)


def test_two_draws_of_one_year_cannot_both_be_kept(audit):
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.AuditSampleFactory(region=audit.region, year=2024)


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"seed": LARGEST_SEED + 1}, {"size": 3}, {"size": 10_000_000}])
def test_a_size_or_a_seed_that_cannot_be_drawn_is_said(files, habitats, wrong):
    with pytest.raises(InvalidFieldsError):
        drawn_sample(files, **wrong)
    assert not AuditSample.objects.exists()


def test_a_release_administrator_draws(files, habitats):
    administrator = factories.person_with(Role.RELEASE_ADMINISTRATOR)
    assert drawn_sample(files, by=administrator).drawn_by == administrator


@pytest.mark.parametrize("role", [Role.MODEL_ENGINEER, Role.PHOTO_INTERPRETER])
def test_nobody_else_draws(files, habitats, role):
    with pytest.raises(NotAllowedError):
        drawn_sample(files, by=factories.person_with(role))


def test_two_labels_that_agree_settle_a_point(audit, habitats):
    point, (first, second, third) = audit.points.first(), interpreters()
    label(point, habitats[0], first)
    label(point, habitats[0], second)
    assert labelling_counts(audit)["labelled_twice"] == 1
    assert point not in waiting_points(audit, third)
    with pytest.raises(StateForbidsError):
        label(point, habitats[0], third)


@pytest.mark.parametrize("unseen", [False, True])
def test_two_labels_that_differ_ask_a_third_person_who_sees_nothing_of_it(audit, habitats, unseen):
    point, (first, second, third) = audit.points.first(), interpreters()
    label(point, habitats[0], first)
    assert point in waiting_points(audit, second)
    label(point, None if unseen else habitats[1], second)
    assert point not in waiting_points(audit, first)
    assert point in waiting_points(audit, third)
    assert label(point, habitats[1], third).is_arbitration
    assert labelling_counts(audit)["arbitrated"] == 1
    assert not own_labels(audit, third).exclude(interpreter=third).exists()
    with pytest.raises(StateForbidsError):
        label(point, habitats[0], interpreters(1)[0])


def test_two_people_who_could_not_tell_agree(audit, habitats):
    point, (first, second, third) = audit.points.first(), interpreters()
    label(point, None, first)
    label(point, None, second)
    assert point not in waiting_points(audit, third)
    assert labelling_counts(audit)["in_disagreement"] == 0


def test_a_person_corrects_their_own_label_and_the_earlier_one_is_kept_in_its_history(audit, habitats):
    point, (first, second) = audit.points.first(), interpreters(2)
    label(point, habitats[0], first)
    label(point, habitats[1], second)
    corrected = label(point, habitats[1], first, note="A hedge, seen in August.")
    assert AuditLabel.objects.filter(point=point).count() == 2
    assert corrected.note == "A hedge, seen in August."
    assert labelling_counts(audit)["in_disagreement"] == 0
    events = AuditLabel.pgh_event_model.objects.filter(pgh_obj_id=corrected.pk)
    assert [event.habitat_type_id for event in events] == [habitats[0].pk]


@pytest.mark.parametrize("role", [Role.ADJUDICATOR, Role.MODEL_ENGINEER, Role.RELEASE_ADMINISTRATOR])
def test_only_photo_interpreters_label(audit, habitats, role):
    with pytest.raises(NotAllowedError):
        label(audit.points.first(), habitats[0], factories.person_with(role))


def test_an_interpreter_of_a_part_of_the_region_does_not_label_the_whole(audit, habitats):
    factories.TerritoryFactory(region=True)
    person = factories.person_with(Role.PHOTO_INTERPRETER, factories.TerritoryFactory())
    with pytest.raises(NotAllowedError):
        label(audit.points.first(), habitats[0], person)


@pytest.mark.parametrize("wrong", [{"confidence": 0}, {"confidence": 4}, {"note": "x" * 501}])
def test_a_label_out_of_range_is_refused_with_its_field(audit, habitats, wrong):
    with pytest.raises(InvalidFieldsError) as refused:
        label(audit.points.first(), habitats[0], interpreters(1)[0], **wrong)
    assert set(refused.value.fields) == set(wrong)


def test_a_label_asks_little_of_the_database(audit, habitats, django_assert_max_num_queries):
    point, person = audit.points.first(), interpreters(1)[0]
    with django_assert_max_num_queries(20):
        label(point, habitats[0], person)


def test_a_heading_of_the_legend_is_no_label(audit, habitats):
    for outside in (habitats[0].parent, factories.HabitatTypeFactory(code="Z9")):
        with pytest.raises(InvalidFieldsError):
            label(audit.points.first(), outside, interpreters(1)[0])


def test_the_labelling_closes_when_every_point_has_its_reference(audit, habitats):
    people = interpreters()
    with pytest.raises(StateForbidsError):
        actions.close_labelling(audit=audit, at=AT)
    agree_everywhere(audit, habitats[0], people[:2])
    last = audit.points.last()
    label(last, habitats[2], people[1])
    with pytest.raises(StateForbidsError, match="1 "):
        actions.close_labelling(audit=audit, at=AT)
    label(last, habitats[2], people[2])
    closed = actions.close_labelling(audit=audit, at=AT)
    assert closed.state == AuditState.CLOSED
    with pytest.raises(StateForbidsError):
        label(last, habitats[0], people[0])
    assert not waiting_points(closed, people[0]).exists()


def closed_audit(audit, habitats, *, unseen=0):
    """Everybody sees the first habitat in the west of the ground and the second in the east."""
    people = interpreters(2)
    middle = factories.WEST + factories.SIDE_DEGREES * 0.35
    for place, point in enumerate(audit.points.all()):
        seen = None if place < unseen else habitats[0] if point.point.x < middle else habitats[1]
        for person in people:
            label(point, seen, person)
    return actions.close_labelling(audit=audit, at=AT)


def test_opening_compares_the_corrected_polygons_with_what_people_saw(audit, habitats):
    vintage = working_map(habitats[:1])
    assessment = actions.open_audit(
        audit=closed_audit(audit, habitats, unseen=4), vintage=vintage, by=None, at=AT + datetime.timedelta(days=200)
    )
    audit = AuditSample.objects.get()
    assert audit.state == AuditState.OPENED
    assert audit.assessment == assessment
    assert audit.vintage == vintage
    assert assessment["method"] == "Stehman 2014"
    assert (assessment["points_drawn"], assessment["points_not_interpretable"]) == (60, 4)
    overall = assessment["overall_accuracy"]
    assert 0 < overall["low_95"] < overall["estimate"] < overall["high_95"] < 1
    assert 0 < assessment["classes"]["E1.2"]["users_accuracy"]["estimate"] < 1
    assert assessment["classes"]["E2.1"]["users_accuracy"] == "not assessable"
    assert assessment["classes"]["E2.1"]["assessed_at"] == "E"
    assert assessment["parents"]["E"]["users_accuracy"]["estimate"] == 1
    assert assessment["audit"]["sha256"] == audit.sha256
    assert assessment["labels"] == {"agreed": 60, "arbitrated": 0}


def test_a_point_that_the_map_leaves_empty_is_wrong(audit, habitats):
    vintage = working_map([])
    assessment = actions.open_audit(audit=closed_audit(audit, habitats), vintage=vintage, by=None, at=AT)
    assert assessment["overall_accuracy"]["estimate"] == 0
    assert {row["map"] for row in assessment["confusion"]} == {"-"}


def test_the_arbitration_decides_and_not_the_first_label(audit, habitats):
    people = interpreters()
    for point in audit.points.all():
        label(point, habitats[0], people[0])
        label(point, habitats[1], people[1])
        label(point, habitats[1], people[2])
    closed = actions.close_labelling(audit=audit, at=AT)
    assessment = actions.open_audit(audit=closed, vintage=working_map(habitats[1:2]), by=None, at=AT)
    assert assessment["overall_accuracy"]["estimate"] == 1
    assert assessment["labels"] == {"agreed": 0, "arbitrated": 60}


def test_the_same_labels_and_map_give_the_same_figures(audit, habitats):
    closed, vintage = closed_audit(audit, habitats), working_map(habitats[:1])
    first = actions.open_audit(audit=closed, vintage=vintage, by=None, at=AT)
    AuditSample.objects.update(state=AuditState.CLOSED)
    assert actions.open_audit(audit=closed, vintage=vintage, by=None, at=AT) == first


def test_an_audit_is_opened_once_for_the_vintage_of_its_year_by_who_releases(audit, habitats):
    closed, vintage = closed_audit(audit, habitats), working_map(habitats[:1])
    with pytest.raises(NotAllowedError):
        actions.open_audit(audit=closed, vintage=vintage, by=factories.person_with(Role.MODEL_ENGINEER), at=AT)
    for other in (working_map([], year=2025), factories.VintageFactory(year=2024, region=audit.region, replaced=True)):
        with pytest.raises(StateForbidsError):
            actions.open_audit(audit=closed, vintage=other, by=None, at=AT)
    administrator = factories.person_with(Role.RELEASE_ADMINISTRATOR)
    actions.open_audit(audit=closed, vintage=vintage, by=administrator, at=AT)
    assert closed.is_opened
    with pytest.raises(StateForbidsError):
        actions.open_audit(audit=closed, vintage=vintage, by=administrator, at=AT)


def test_an_audit_that_is_not_closed_is_not_opened(audit, habitats):
    with pytest.raises(StateForbidsError):
        actions.open_audit(audit=audit, vintage=working_map(habitats[:1]), by=None, at=AT)
    assert not AuditPoint.objects.filter(map_type__isnull=False).exists()


def test_once_opened_anybody_recomputes_the_published_hash(audit, habitats):
    with pytest.raises(StateForbidsError):
        opened_document(audit)
    closed = closed_audit(audit, habitats)
    actions.open_audit(audit=closed, vintage=working_map(habitats[:1]), by=None, at=AT)
    assert hash_text(opened_document(AuditSample.objects.get())) == audit.sha256
