from threading import Barrier, Thread

import numpy as np
import pytest
import shapely
from django.db import connection
from django.db.models import SET_NULL, ManyToOneRel
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bioccia.errors import InvalidFieldsError, StateForbidsError
from habitats import tiles
from habitats.actions import correct_outline, correct_polygons, open_vintage, revert_correction
from habitats.errors import NothingToCorrectError, OutlineError, PolygonChangedError
from habitats.models import CorrectedPiece, Correction, HabitatType, Polygon, Vintage
from ml.compute.coverage_check import is_coverage
from tests.factories import AN_INSTANT, HabitatTypeFactory, UserFactory, square
from tests.factories.corrections import cells, decision, map_in_metres, mapped, next_day, three_stripes
from tests.habitats.test_tiles import tile_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def vintage():
    return three_stripes()


def habitat(code):
    return HabitatType.objects.get(code=code)


def facts(vintage):
    """What stands, polygon by polygon."""
    rows = vintage.polygons.order_by("number").values_list("number", "version", "habitat_type__code", "area_m2")
    return [(number, version, code, round(area)) for number, version, code, area in rows]


def is_whole(vintage, area_m2=30_000):
    """Whether the map has no gap, no overlap, the same area, and says rightly how many polygons it has."""
    shapes, _codes = map_in_metres(vintage)
    vintage.refresh_from_db()
    return (
        bool(shapely.coverage_is_valid(shapes, gap_width=0.001))
        and abs(shapely.area(shapes).sum() - area_m2) < 1e-6 * area_m2
        and vintage.polygon_count == len(shapes)
        and abs(sum(vintage.polygons.values_list("area_m2", flat=True)) - area_m2) < 1e-6 * area_m2
    )


def covers_all(vintage, area_m2):
    """Whether the map overlaps nowhere and leaves no gap that anybody could see: under a square millimetre in all.

    Reverts in any order may leave two sides of an edge some nanometres apart, which `is_whole` would count as a gap.
    """
    shapes, _codes = map_in_metres(vintage)
    vintage.refresh_from_db()
    return (
        is_coverage(shapes)
        and abs(shapely.area(shapely.union_all(shapes)) - area_m2) < 1e-6
        and abs(shapely.area(shapes).sum() - area_m2) < 1e-6
        and vintage.polygon_count == len(shapes)
    )


def outline_to(vintage, code, outline, seen=(), **options):
    source = {name: options.pop(name) for name in ("source", "at", "by", "observed_on") if name in options}
    return correct_outline(
        vintage=vintage, outline=outline, to_type=habitat(code), seen=seen, **options, **decision(**source)
    )


def test_whole_polygons_take_the_code_under_a_new_version(vintage):
    by = UserFactory()
    correction = correct_polygons(
        vintage=vintage, polygons=[(1, 1), (2, 1)], to_type=habitat("D1"), **decision("report:7", by=by)
    )
    assert facts(vintage) == [(1, 2, "D1", 10_000), (2, 2, "D1", 10_000), (3, 1, "C1", 10_000)]
    assert (correction.source, correction.decided_by, correction.state) == ("report:7", by, "applied")
    assert correction.area_m2 == pytest.approx(20_000)
    assert is_whole(vintage)


def test_a_decided_polygon_is_sure_and_has_no_rival(vintage):
    correct_polygons(vintage=vintage, polygons=[(1, 1)], to_type=habitat("B1"), **decision())
    polygon = vintage.polygons.get(number=1)
    assert (polygon.confidence, polygon.runner_up_1, polygon.runner_up_1_share) == (100, None, 0)
    assert CorrectedPiece.objects.get().guess_before["confidence"] == 60


@pytest.mark.parametrize("seen", [[(1, 2)], [(9, 1)], [(1, 1), (2, 3)]])
def test_a_polygon_that_changed_since_it_was_seen_is_not_corrected(vintage, seen):
    with pytest.raises(PolygonChangedError) as refusal:
        correct_polygons(vintage=vintage, polygons=seen, to_type=habitat("D1"), **decision())
    assert (refusal.value.code, refusal.value.status) == ("polygon_changed", 409)
    with pytest.raises(PolygonChangedError):
        outline_to(vintage, "D1", cells(2, 2, 6, 6), seen=seen)
    assert not Correction.objects.exists()


@pytest.mark.parametrize("state", ["published", "building", "replaced"])
def test_only_a_working_map_is_corrected(state):
    vintage = three_stripes(**{state: True})
    with pytest.raises(StateForbidsError):
        correct_polygons(vintage=vintage, polygons=[(1, 1)], to_type=habitat("D1"), **decision())
    with pytest.raises(StateForbidsError):
        outline_to(vintage, "D1", cells(2, 2, 6, 6))


def test_what_the_map_says_already_is_not_corrected(vintage):
    with pytest.raises(NothingToCorrectError):
        correct_polygons(vintage=vintage, polygons=[(1, 1)], to_type=habitat("A1"), **decision())
    with pytest.raises(NothingToCorrectError):
        outline_to(vintage, "A1", cells(2, 2, 6, 6))


def test_a_habitat_outside_the_legend_is_refused(vintage):
    with pytest.raises(InvalidFieldsError) as refusal:
        correct_polygons(vintage=vintage, polygons=[(1, 1)], to_type=HabitatTypeFactory(), **decision())
    assert "to_type" in refusal.value.fields


def test_no_polygon_at_all_is_refused(vintage):
    with pytest.raises(InvalidFieldsError):
        correct_polygons(vintage=vintage, polygons=[], to_type=habitat("D1"), **decision())


def test_an_outline_cuts_both_its_neighbours(vintage):
    correction = outline_to(vintage, "D1", cells(6, 2, 14, 6), seen=[(1, 1), (2, 1)])
    assert facts(vintage) == [(1, 2, "A1", 8400), (2, 2, "B1", 8400), (3, 1, "C1", 10_000), (4, 1, "D1", 3200)]
    assert is_whole(vintage)
    pieces = {piece.number: (piece.version_before, piece.version_after) for piece in correction.pieces.all()}
    assert pieces == {1: (1, 2), 2: (1, 2), 4: (None, 1)}


def test_an_outline_that_splits_a_polygon_gives_the_smaller_part_a_new_number(vintage):
    outline_to(vintage, "D1", cells(-1, 3, 10, 5))
    assert facts(vintage)[0] == (1, 2, "A1", 5000)
    assert sorted(row[2:] for row in facts(vintage)[3:]) == [("A1", 3000), ("D1", 2000)]
    assert is_whole(vintage)


def test_the_rest_of_a_cut_polygon_keeps_what_the_model_said_of_it(vintage):
    outline_to(vintage, "D1", cells(6, 2, 10, 6))
    rest, fresh = vintage.polygons.get(number=1), vintage.polygons.get(number=4)
    assert (rest.confidence, rest.runner_up_1.code) == (60, "D1")
    assert (fresh.confidence, fresh.runner_up_1) == (100, None)


def test_an_outline_feeds_its_neighbour_where_the_decision_says_so(vintage):
    outline_to(vintage, "B1", cells(6, 2, 10, 6), feeds=True)
    assert facts(vintage) == [(1, 2, "A1", 8400), (2, 2, "B1", 11_600), (3, 1, "C1", 10_000)]
    assert vintage.polygons.get(number=2).confidence == round((60 * 10_000 + 100 * 1600) / 11_600)
    assert is_whole(vintage)


def test_a_neighbour_that_is_not_cut_gets_the_vertices_and_keeps_its_version(vintage):
    before = vintage.polygons.get(number=2).geometry.num_coords
    outline_to(vintage, "D1", cells(6, 2, 10, 6))
    neighbour = vintage.polygons.get(number=2)
    assert (neighbour.version, neighbour.geometry.num_coords) == (1, before + 2)
    assert is_whole(vintage)


def test_neighbours_that_are_not_touched_are_not_written(vintage):
    before = bytes(vintage.polygons.get(number=3).geometry.wkb)
    outline_to(vintage, "D1", cells(2, 2, 6, 6))
    assert bytes(vintage.polygons.get(number=3).geometry.wkb) == before
    assert set(CorrectedPiece.objects.values_list("number", flat=True)) == {1, 4}


def test_a_remnant_under_the_minimum_unit_joins_a_neighbour(vintage):
    outline_to(vintage, "D1", cells(2, -1, 9.7, 11))  # of two equal borders, that of the larger neighbour
    assert [row[2:] for row in facts(vintage)] == [("A1", 2000), ("B1", 10_300), ("C1", 10_000), ("D1", 7700)]
    assert is_whole(vintage)


def test_an_outline_under_the_minimum_unit_is_refused_with_the_way_out(vintage):
    with pytest.raises(OutlineError, match="400"):
        outline_to(vintage, "D1", cells(2, 2, 3, 4))


def test_an_outline_under_the_minimum_unit_may_feed_a_neighbour(vintage):
    outline_to(vintage, "B1", cells(9, 2, 10, 4))
    assert facts(vintage)[:2] == [(1, 2, "A1", 9800), (2, 2, "B1", 10_200)]


def test_a_number_that_is_gone_never_names_another_polygon(vintage):
    outline_to(vintage, "D1", cells(2, 2, 6, 6))
    outline_to(vintage, "A1", cells(1, 1, 7, 7), feeds=True)
    assert [row[0] for row in facts(vintage)] == [1, 2, 3]
    outline_to(vintage, "D1", cells(2, 2, 6, 6))
    assert [row[0] for row in facts(vintage)] == [1, 2, 3, 5]


BAD_OUTLINES = {
    "outside the map": square(5, 5),
    "a line": cells(2, 2, 6, 6).boundary,
    "empty": cells(2, 2, 6, 6).difference(cells(0, 0, 9, 9)),
    "in metres": cells(2, 2, 6, 6).transform(2154, clone=True),
    "crossing itself": type(square()).from_ewkt(
        "SRID=4326;POLYGON((2.3 43.6, 2.4 43.7, 2.4 43.6, 2.3 43.7, 2.3 43.6))"
    ),
}


@pytest.mark.parametrize("name", BAD_OUTLINES)
def test_an_outline_that_cannot_be_used_is_refused_and_changes_nothing(vintage, name):
    before = facts(vintage)
    with pytest.raises(OutlineError) as refusal:
        outline_to(vintage, "D1", BAD_OUTLINES[name])
    assert set(refusal.value.fields) == {"outline"}
    assert facts(vintage) == before


def test_what_is_drawn_beyond_the_map_is_cut_off(vintage):
    correction = outline_to(vintage, "D1", cells(-10, -10, 5, 5))
    assert correction.area_m2 == pytest.approx(2500)
    assert is_whole(vintage)


def test_the_twin_for_tiles_follows(vintage):
    outline_to(vintage, "D1", cells(2, 2, 6, 6))
    for polygon in vintage.polygons.all():
        expected = polygon.geometry.transform(3857, clone=True)
        assert polygon.geometry_3857.num_coords == expected.num_coords
        assert polygon.geometry_3857.equals_exact(expected, 0.01)


def test_a_correction_changes_the_tile(vintage):
    middle = vintage.polygons.get(number=1).geometry.point_on_surface
    address = tiles.TileAddress(*tile_at(middle.x, middle.y, 14))
    before = tiles.vintage_tile(vintage, address)
    correct_polygons(vintage=vintage, polygons=[(1, 1)], to_type=habitat("D1"), **decision())
    assert tiles.vintage_tile(vintage, address) != before


def test_a_correction_costs_few_questions(vintage):
    with CaptureQueriesContext(connection) as queries:
        outline_to(vintage, "D1", cells(6, 2, 14, 6), seen=[(1, 1)])
    assert len(queries) < 25


def test_a_revert_brings_back_the_former_polygons_under_new_versions(vintage):
    shapes_before = {
        number: bytes(outline.wkb) for number, outline in vintage.polygons.values_list("number", "geometry")
    }
    correction = outline_to(vintage, "D1", cells(6, 2, 10, 6))
    reversal = revert_correction(correction=correction, by=None, at=next_day(), reason="Mistaken.")
    assert facts(vintage) == [(1, 3, "A1", 10_000), (2, 1, "B1", 10_000), (3, 1, "C1", 10_000)]
    after = {number: bytes(outline.wkb) for number, outline in vintage.polygons.values_list("number", "geometry")}
    assert after == shapes_before
    assert vintage.polygons.get(number=1).confidence == 60
    correction.refresh_from_db()
    assert (correction.state, reversal.reverts, reversal.to_type.code) == ("reverted", correction, "A1")
    assert is_whole(vintage)


def test_a_revert_brings_back_a_polygon_that_was_swallowed(vintage):
    outline_to(vintage, "D1", cells(2, 2, 6, 6))
    correction = outline_to(vintage, "A1", cells(1, 1, 7, 7), feeds=True, at=next_day(1))
    assert [row[0] for row in facts(vintage)] == [1, 2, 3]
    revert_correction(correction=correction, by=None, at=next_day(2), reason="Mistaken.")
    assert [row[:3] for row in facts(vintage)] == [(1, 4, "A1"), (2, 1, "B1"), (3, 1, "C1"), (4, 2, "D1")]
    assert is_whole(vintage)


def test_a_revert_of_whole_polygons_gives_their_codes_back(vintage):
    correction = correct_polygons(vintage=vintage, polygons=[(1, 1), (2, 1)], to_type=habitat("D1"), **decision())
    revert_correction(correction=correction, by=None, at=next_day(), reason="Mistaken.")
    assert [row[:3] for row in facts(vintage)] == [(1, 3, "A1"), (2, 3, "B1"), (3, 1, "C1")]


def test_where_something_else_has_changed_a_revert_gives_back_what_still_stands(vintage):
    first = outline_to(vintage, "D1", cells(2, 2, 8, 8))
    outline_to(vintage, "C1", cells(5, 2, 8, 8), at=next_day(1))
    revert_correction(correction=first, by=None, at=next_day(2), reason="Mistaken.")
    areas = {code: sum(row[3] for row in facts(vintage) if row[2] == code) for code in ("A1", "C1", "D1")}
    assert areas == {"A1": 8200, "C1": 11_800, "D1": 0}
    assert is_whole(vintage)


def test_a_correction_is_taken_back_once(vintage):
    correction = outline_to(vintage, "D1", cells(2, 2, 6, 6))
    reversal = revert_correction(correction=correction, by=None, at=next_day(), reason="Mistaken.")
    for again in (correction, reversal):
        with pytest.raises(StateForbidsError):
            revert_correction(correction=again, by=None, at=next_day(2), reason="Mistaken.")


def test_a_revert_leaves_a_published_map_as_it_was(vintage):
    correction = outline_to(vintage, "D1", cells(2, 2, 6, 6))
    Vintage.objects.filter(pk=vintage.pk).update(state="published")
    before = facts(vintage)
    revert_correction(correction=correction, by=None, at=next_day(), reason="Mistaken.")
    assert facts(vintage) == before
    correction.refresh_from_db()
    assert correction.state == "reverted"


def test_who_changed_a_polygon_and_what_it_was_are_kept(vintage):
    by = UserFactory()
    correct_polygons(vintage=vintage, polygons=[(1, 1)], to_type=habitat("D1"), **decision("report:7", by=by))
    event = Polygon.pgh_event_model.objects.get()
    assert (event.number, event.version, event.habitat_type.code, event.pgh_label) == (1, 1, "A1", "update")
    assert event.pgh_context.metadata["by"] == by.pk
    assert event.pgh_context.metadata["source"] == "report:7"


def test_loading_polygons_writes_no_history(vintage):
    assert not Polygon.pgh_event_model.objects.exists()


maps = st.builds(
    lambda seed: np.random.default_rng(seed).integers(1, 5, (6, 6)).repeat(4, axis=0).repeat(4, axis=1),
    st.integers(0, 1000),
)
# To the centimetre, finer than anybody draws.
sides = st.floats(-2, 26).map(lambda place: round(place, 3))
rectangles = st.tuples(*[sides for _side in range(4)]).filter(
    lambda box: abs(box[0] - box[2]) > 1 and abs(box[1] - box[3]) > 1
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(maps, st.lists(st.tuples(rectangles, st.sampled_from(["A1", "B1", "D1"]), st.booleans()), max_size=5))
def test_any_decisions_and_their_reverts_in_any_order_leave_the_map_whole(classes, decisions):
    vintage = mapped(classes, year=2000 + Vintage.objects.count())
    made = []
    for day, ((x0, y0, x1, y1), code, feeds) in enumerate(decisions):
        outline = cells(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        try:
            made.append(outline_to(vintage, code, outline, feeds=feeds, at=next_day(day)))
        except (NothingToCorrectError, OutlineError):
            continue
        assert is_whole(vintage, 57_600)
    for day, correction in enumerate(made):
        revert_correction(correction=correction, by=None, at=next_day(100 + day), reason="Mistaken.")
        assert covers_all(vintage, 57_600)


def test_reverting_in_the_opposite_order_brings_everything_back():
    vintage = three_stripes()
    before = [row[2:] for row in facts(vintage)]
    made = [
        outline_to(vintage, "D1", cells(6, 2, 14, 6), at=AN_INSTANT),
        outline_to(vintage, "C1", cells(8, 4, 16, 9), at=next_day(1)),
        outline_to(vintage, "A1", cells(0, 0, 30, 3), at=next_day(2), feeds=True),
    ]
    for day, correction in enumerate(reversed(made)):
        revert_correction(correction=correction, by=None, at=next_day(10 + day), reason="Mistaken.")
    assert [row[2:] for row in facts(vintage)] == before


@pytest.mark.django_db(transaction=True)
def test_two_adjudicators_at_once_are_served_one_after_the_other_and_the_second_must_look_again():
    vintage = three_stripes()
    together, answers = Barrier(3), []

    def decide(source, outline, seen):
        try:
            together.wait()
            outline_to(vintage, "D1", outline, seen=seen, source=source)
            answers.append("corrected")
        except PolygonChangedError:
            answers.append("look again")
        finally:
            connection.close()

    people = [
        Thread(target=decide, args=("report:1", cells(6, 2, 14, 6), [(1, 1), (2, 1)])),
        Thread(target=decide, args=("report:2", cells(12, 1, 18, 9), [(2, 1)])),
        Thread(target=decide, args=("report:3", cells(22, 1, 28, 9), [(3, 1)])),
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(answers) == ["corrected", "corrected", "look again"]
    assert len({number for number, *_rest in facts(vintage)}) == 5
    assert is_whole(vintage)


def test_a_map_that_is_replaced_goes_without_a_history_of_each_polygon():
    old, new = three_stripes(), three_stripes(building=True)
    open_vintage(vintage=new)
    assert not old.polygons.exists()
    assert not Polygon.pgh_event_model.objects.exists()


def test_what_points_at_the_polygons_of_a_replaced_map_is_let_go():
    old, new = three_stripes(), three_stripes(building=True)
    relation = next(
        one
        for one in Polygon._meta.get_fields(include_hidden=True)
        if isinstance(one, ManyToOneRel) and one.on_delete is SET_NULL
    )
    assert relation.related_model._meta.app_label == "feedback"
    with CaptureQueriesContext(connection) as queries:
        open_vintage(vintage=new)
    assert not old.polygons.exists()
    touched = [query["sql"] for query in queries if relation.related_model._meta.db_table in query["sql"]]
    assert touched
    assert all(sql.startswith("UPDATE") for sql in touched)


def test_a_polygon_that_a_decision_removes_is_kept_in_the_history(vintage):
    outline_to(vintage, "D1", cells(2, 2, 6, 6))
    outline_to(vintage, "A1", cells(1, 1, 7, 7), feeds=True, at=next_day())
    assert Polygon.pgh_event_model.objects.get(pgh_label="delete").number == 4
