import json

import pytest
from affine import Affine
from django.urls import reverse

from habitats import actions
from habitats.models import AuditLabel, AuditSample
from ml.compute.sampling import hash_text
from territories.states import Role
from tests import factories
from tests.habitats.audit_cases import (
    AT,
    corner,
    drawn_sample,
    interpreters,
    label,
    legend_of_three,
    published_map,
    working_map,
)
from tests.ml.compute.test_chips import write_images

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}


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


@pytest.fixture
def interpreter(client):
    person = interpreters(1)[0]
    client.force_login(person)
    return person


OPENING = "/audit/2024/1/ouverture/"


def address(name, *more):
    return reverse(f"habitats:{name}", args=[2024, 1, *more])


def answer_of(client, name, *more, **query):
    return client.get(address(name, *more), query, headers=ENGLISH)


def text_of(answer):
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()


def opened(audit, habitats):
    for point in audit.points.all():
        for person in interpreters(2):
            label(point, habitats[0], person, note="=cmd()")
    closed = actions.close_labelling(audit=audit, at=AT)
    actions.open_audit(audit=closed, vintage=working_map(habitats[:1]), by=None, at=AT)
    return AuditSample.objects.get()


def test_anybody_reads_the_seed_and_the_hash_on_the_day_of_the_draw(client, audit):
    listed = client.get(reverse("habitats:audit-list")).content.decode()
    assert audit.sha256 in listed
    page = text_of(answer_of(client, "audit"))
    assert audit.sha256 in page
    assert audit.design["secret_sha256"] in page
    assert audit.secret not in page
    facts = json.loads(text_of(answer_of(client, "audit-json")))
    assert (facts["sha256"], facts["seed"], facts["size"]) == (audit.sha256, 11, 60)
    assert facts["strata_areas_m2"] == audit.strata_areas
    assert "points" not in facts


def test_the_list_says_what_will_come_before_the_first_draw(client):
    assert "empty" in client.get(reverse("habitats:audit-list")).content.decode()


@pytest.mark.parametrize("name", ["audit-points", "audit-csv", "audit-document"])
def test_the_points_answer_to_nobody_before_the_opening(client, audit, name):
    for person in (None, interpreters(1)[0], factories.person_with(Role.RELEASE_ADMINISTRATOR)):
        if person:
            client.force_login(person)
        assert answer_of(client, name).status_code == 409


def test_once_opened_the_points_the_figures_and_the_hash_are_everybodys(client, audit, habitats):
    audit = opened(audit, habitats)
    page = text_of(answer_of(client, "audit"))
    assert "100.0 %" in page
    assert audit.secret in page
    assert hash_text(text_of(answer_of(client, "audit-document"))) == audit.sha256
    table = text_of(answer_of(client, "audit-points"))
    assert table.count("<tr>") == 51
    rows = text_of(answer_of(client, "audit-csv")).splitlines()
    assert len(rows) == 61
    assert rows[1].split(",")[-3:] == ["E1.2", "E1.2", ""]
    assert json.loads(text_of(answer_of(client, "audit-json")))["assessment"] == audit.assessment


def test_a_name_in_the_csv_is_never_a_formula(client, audit, habitats):
    habitats[0].label_en = "=HYPERLINK(0)"
    habitats[0].save()
    opened(audit, habitats)
    assert "'=HYPERLINK(0)" in text_of(answer_of(client, "audit-csv"))


def test_labelling_needs_the_right_to_interpret(client, audit):
    assert client.get(address("audit-label", 1)).status_code == 302  # to the sign-in
    client.force_login(factories.person_with(Role.ADJUDICATOR))
    for name, more in (("audit-label", [1]), ("audit-next", []), ("audit-own-labels", []), ("audit-chips", [1])):
        assert answer_of(client, name, *more).status_code == 403


def test_a_label_leads_to_the_next_point_and_the_count_grows(client, audit, habitats, interpreter):
    assert answer_of(client, "audit-next").url == address("audit-label", 1)
    assert "Point 1 of 60" in text_of(answer_of(client, "audit-label", 1))
    fields = {"habitat": habitats[1].pk, "confidence": 2, "note": "Une haie."}
    answer = client.post(address("audit-label", 1), fields)
    assert answer.url == address("audit-label", 2)
    saved = AuditLabel.objects.get()
    assert (saved.habitat_type, saved.confidence, saved.note, saved.interpreter) == (
        habitats[1],
        2,
        "Une haie.",
        interpreter,
    )
    assert "Point 2 of 60" in text_of(answer_of(client, "audit-label", 2))
    assert answer_of(client, "audit-next", after=7).url == address("audit-label", 8)


def test_not_interpretable_is_a_label(client, audit, interpreter):
    client.post(address("audit-label", 3), {"habitat": "-", "confidence": 1})
    assert AuditLabel.objects.get().habitat_type is None


def test_the_page_of_a_label_shows_it_again_to_be_corrected(client, audit, habitats, interpreter):
    fields = {"habitat": habitats[1].pk, "confidence": 2, "note": "Une haie."}
    client.post(address("audit-label", 1), fields)
    again = text_of(answer_of(client, "audit-label", 1))
    assert "Une haie." in again
    assert again.count("checked") == 2
    client.post(address("audit-label", 1), {**fields, "habitat": habitats[2].pk})
    assert AuditLabel.objects.get().habitat_type == habitats[2]
    assert "G1.7" in text_of(answer_of(client, "audit-own-labels"))


@pytest.mark.parametrize("wrong", [{"habitat": ""}, {"habitat": "999999"}, {"confidence": ""}, {"confidence": "7"}])
def test_an_incomplete_label_comes_back_with_its_field(client, audit, habitats, interpreter, wrong):
    answer = client.post(address("audit-label", 1), {"habitat": habitats[0].pk, "confidence": 2, **wrong})
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    assert not AuditLabel.objects.exists()


def test_the_page_shows_neither_the_place_nor_the_stratum_nor_what_others_said(client, audit, habitats, interpreter):
    point = audit.points.get(number=1)
    point.stratum = "strate-scellée"
    point.save()
    label(point, habitats[0], interpreters(1)[0], note="Vu en août.")
    page = text_of(answer_of(client, "audit-label", 1))
    assert "Vu en août." not in page
    assert "checked" not in page
    assert str(point.x) not in page
    assert point.stratum not in page


def test_a_simulated_place_has_no_photograph_elsewhere_and_a_french_one_has(client, audit, interpreter):
    assert "geoportail" in text_of(answer_of(client, "audit-label", 1))
    audit.region.is_simulated = True
    audit.region.save()
    assert "geoportail" not in text_of(answer_of(client, "audit-label", 1))


def test_a_point_that_needs_no_label_of_mine_is_not_mine_to_see(client, audit, habitats, interpreter):
    for person in interpreters(2):
        label(audit.points.get(number=1), habitats[0], person)
    assert answer_of(client, "audit-label", 1).status_code == 404
    assert answer_of(client, "audit-chips", 1).status_code == 404
    assert answer_of(client, "audit-label", 2).status_code == 200
    assert answer_of(client, "audit-label", 99_999).status_code == 404


def test_two_people_who_save_at_once_do_not_make_a_third_label(client, audit, habitats, interpreter):
    point = audit.points.get(number=1)
    others = interpreters(2)
    label(point, habitats[0], others[0])
    assert answer_of(client, "audit-label", 1).status_code == 200
    label(point, habitats[0], others[1])
    assert client.post(address("audit-label", 1), {"habitat": habitats[0].pk, "confidence": 2}).status_code == 404
    assert AuditLabel.objects.filter(point=point).count() == 2


def test_the_images_of_a_point_are_asked_without_its_position(client, audit, files, interpreter):
    west, north = corner()
    transform = Affine(10, 0, west, 0, -10, north)
    path = write_images(files / "s2.tif", side=130, transform=transform)
    factories.PredictorLayerFactory(file=str(path))
    answer = client.get(address("audit-chips", 1), headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert "<img" in text
    assert "lon" not in text.split("chips__legend")[0]
    picture = client.get(address("audit-chip", 1), {"date": "2024-06-28", "name": "true_colour"})
    assert b"".join(picture.streaming_content).startswith(b"\x89PNG")
    assert client.get(address("audit-chip", 1), {"date": "2024-06-28"}).status_code == 404


def test_when_nothing_waits_the_own_labels_are_shown(client, audit, habitats, interpreter):
    for point in audit.points.all():
        label(point, habitats[0], interpreter)
    assert answer_of(client, "audit-next").url == address("audit-own-labels")
    assert text_of(answer_of(client, "audit-own-labels")).count("<tr>") == 61


def test_who_releases_draws_closes_and_opens_by_the_pages(client, files, habitats):
    published_map(files)
    client.force_login(factories.person_with(Role.RELEASE_ADMINISTRATOR))
    listed = client.get(reverse("habitats:audit-list"))
    assert [year for year, _label in listed.context["form"].fields["year"].choices] == [2024]
    drawn = client.post(reverse("habitats:audit-draw"), {"year": 2024, "size": 40, "seed": 5})
    assert drawn.url == address("audit")
    audit = AuditSample.objects.get()
    people = interpreters(2)
    for point in audit.points.all():
        for person in people:
            label(point, habitats[0], person)
    client.post(address("audit-close"))
    assert client.post(OPENING).status_code == 404  # there is no map to assess yet
    working_map(habitats[:1])
    client.post(OPENING)
    assert AuditSample.objects.get().is_opened
    again = client.post(OPENING, follow=True)
    assert "notice--error" in again.content.decode()


def test_a_draw_that_cannot_be_made_comes_back_with_its_sentence(client, files, habitats):
    published_map(files)
    client.force_login(factories.person_with(Role.RELEASE_ADMINISTRATOR))
    answer = client.post(reverse("habitats:audit-draw"), {"year": 2024, "size": 3, "seed": 5})
    assert answer.status_code == 422
    assert "notice--error" in answer.content.decode()


@pytest.mark.parametrize("role", [Role.PHOTO_INTERPRETER, Role.MODEL_ENGINEER])
def test_others_neither_draw_nor_close_nor_open(client, audit, habitats, role):
    client.force_login(factories.person_with(role))
    assert client.post(reverse("habitats:audit-draw"), {"year": 2024, "size": 40, "seed": 5}).status_code == 403
    working_map(habitats[:1])
    client.post(address("audit-close"))
    client.post(OPENING)
    assert AuditSample.objects.get().state == "drawn"
    assert "gate-title" not in text_of(answer_of(client, "audit"))
