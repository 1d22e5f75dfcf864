import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from habitats import actions
from habitats.actions import CitedHabitat
from habitats.models import Releve, ReleveUpload, Sample
from habitats.states import ReleveLevel, ReleveState, Resolution
from species.states import Diffusion
from territories.states import Role
from tests import factories
from tests.factories import AN_INSTANT, releve_facts
from tests.habitats.releve_files import releve_rows, write_text

pytestmark = pytest.mark.django_db
PAGES = ("releve-list", "releve-new", "releve-file-new", "releve-validation")


@pytest.fixture
def people(settings, tmp_path):
    """A botanist and a validator of another organisation, in a region with two habitats."""
    settings.MEDIA_ROOT = str(tmp_path / "uploads")
    factories.RegionFactory()
    for code in ("E1.2", "E1.3"):
        factories.HabitatTypeFactory(code=code, in_legend=True)
    department = factories.TerritoryFactory(department=True, outline=factories.square(side=0.04))
    found = {}
    for role in (Role.BOTANIST, Role.VALIDATOR):
        person = factories.person_with(role, department)
        person.organisation = factories.OrganisationFactory()
        person.save()
        found[role] = person
    return found


@pytest.fixture
def botanist(people):
    return people[Role.BOTANIST]


@pytest.fixture
def validator(people):
    return people[Role.VALIDATOR]


def page(client, name, *args, **options):
    return client.get(reverse(f"habitats:{name}", args=args), **options)


def post(client, name, *args, data=None):
    return client.post(reverse(f"habitats:{name}", args=args), data or {})


def sent(client, tmp_path, rows, name="campagne.csv"):
    content = write_text(tmp_path / "sent.csv", rows).read_bytes()
    data = {"file": SimpleUploadedFile(name, content), "dataset": "Campagne", "diffusion": Diffusion.PRECISE}
    return post(client, "releve-file-new", data=data)


def form_of(**changes):
    data = {
        "dataset": "Campagne",
        "observed_on": "2024-05-12",
        "observers": "A. Botaniste",
        "longitude": "2,305",
        "latitude": "43.605",
        "habitat_0": "E1.2 Habitat E1.2 aux fleurs",
        "typology_0": "EUNIS2012",
        "sensitivity": "0",
        "species": "Thymus vulgaris 2b\nOphrys scolopax",
    }
    return {**data, **changes}


@pytest.mark.parametrize("name", PAGES)
def test_nobody_unknown_reads_a_page_of_releves(client, people, name):
    assert page(client, name).status_code == 302
    client.force_login(factories.person_with(Role.PLANNER))
    assert page(client, name).status_code == (200 if name == "releve-list" else 403)


def test_a_file_goes_from_errors_to_preview_to_submitted(client, botanist, tmp_path):
    client.force_login(botanist)
    answer = sent(client, tmp_path, releve_rows({"date": "hier"}, {"longitude": "2,306"}), name="../../x.csv")
    upload = ReleveUpload.objects.get()
    assert answer.status_code == 302
    assert upload.shown_name == "x.csv"
    errors = page(client, "releve-file", upload.uuid)
    assert 'name="cell.2.date"' in errors.content.decode()
    assert "releve-map-settings" not in errors.content.decode()
    post(client, "releve-file-submit", upload.uuid)
    assert not Releve.objects.exists()
    post(client, "releve-file-correct", upload.uuid, data={"cell.2.date": "12/05/2024"})
    preview = page(client, "releve-file", upload.uuid).content.decode()
    assert "releve-map-settings" in preview
    assert not Releve.objects.exists()
    post(client, "releve-file-submit", upload.uuid)
    assert Releve.objects.submitted().count() == 2
    assert not ReleveUpload.objects.exists()
    assert page(client, "releve-list").status_code == 200


def test_a_file_that_is_no_table_of_releves_is_refused_on_its_form(client, botanist, tmp_path):
    client.force_login(botanist)
    answer = sent(client, tmp_path, [["site", "Mal", "Cca"], ["1", "0", "1"]])
    assert answer.status_code == 422
    assert "campagne.csv" in answer.content.decode()
    assert not ReleveUpload.objects.exists()


def test_an_abandoned_file_leaves_nothing(client, botanist, tmp_path, django_capture_on_commit_callbacks, settings):
    client.force_login(botanist)
    sent(client, tmp_path, releve_rows({}))
    upload = ReleveUpload.objects.get()
    folder = tmp_path / "uploads" / "releves"
    assert [file.name for file in folder.iterdir()] == [upload.stored_name]
    with django_capture_on_commit_callbacks(execute=True):
        post(client, "releve-file-abandon", upload.uuid)
    assert not list(folder.iterdir())


def test_the_file_of_somebody_else_does_not_exist(client, botanist, validator, tmp_path):
    client.force_login(botanist)
    sent(client, tmp_path, releve_rows({}))
    client.force_login(validator)
    assert page(client, "releve-file", ReleveUpload.objects.get().uuid).status_code == 404


def test_one_releve_is_written_kept_corrected_and_submitted(client, botanist):
    client.force_login(botanist)
    post(client, "releve-new", data={**form_of(observers=""), "keep": "1"})
    draft = Releve.objects.get()
    assert (draft.state, draft.species.count()) == (ReleveState.DRAFT, 2)
    assert draft.species.get(abundance="2b").cited_name == "Thymus vulgaris"
    refused = post(client, "releve-submit", draft.uuid)
    assert refused.url == reverse("habitats:releve-edit", args=[draft.uuid])
    edit = page(client, "releve-edit", draft.uuid).context["form"]
    assert edit.initial["longitude"] == 2.305
    answer = post(client, "releve-edit", draft.uuid, data={**form_of(), "submit": "1"})
    assert answer.status_code == 302
    draft.refresh_from_db()
    assert draft.state == ReleveState.SUBMITTED
    assert page(client, "releve", draft.uuid).status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"habitat_0": "E9"}, "habitat_0"),
        ({"habitat_0": ""}, "habitat_0"),
        ({"longitude": "nan"}, "longitude"),
        ({"observed_on": "2031-01-01"}, "observed_on"),
        ({"dataset": " "}, "dataset"),
        ({"longitude": "7.0"}, "__all__"),
    ],
)
def test_a_wrong_field_is_named_beside_it(client, botanist, changes, field):
    client.force_login(botanist)
    answer = post(client, "releve-new", data={**form_of(**changes), "keep": "1"})
    assert answer.status_code in {403, 422}
    assert field in answer.context["form"].errors
    assert not Releve.objects.exists()


def test_correcting_a_comment_by_the_form_leaves_the_judgement(client, botanist, validator):
    dataset = actions.store_releve_dataset(name="Campagne", by=botanist, at=AN_INSTANT)
    facts = releve_facts(external_id="1", habitats=(actions.CitedHabitat("EUNIS2012", "e1.2", "pelouse"),))
    actions.import_releves(dataset=dataset, facts=[facts], by=botanist, at=AN_INSTANT)
    releve = Releve.objects.get()
    actions.validate_releve(releve=releve, level=1, reason="Sûr", by=validator, at=AN_INSTANT)
    client.force_login(botanist)
    initial = page(client, "releve-edit", releve.uuid).context["form"]
    data = {name: initial[name].value() for name in initial.fields}
    data = {name: value for name, value in data.items() if value is not None} | {"comment": "relu"}
    assert post(client, "releve-edit", releve.uuid, data=data).status_code == 302
    releve.refresh_from_db()
    assert (releve.comment, releve.is_stale, releve.level) == ("relu", False, 1)
    assert releve.determinations.get().cited_code == "e1.2"
    post(client, "releve-edit", releve.uuid, data={**data, "observed_on": "2024-05-20"})
    releve.refresh_from_db()
    assert releve.is_stale


@pytest.fixture
def waiting(botanist):
    dataset = actions.store_releve_dataset(name="Campagne", by=botanist, at=AN_INSTANT, diffusion=Diffusion.PRECISE)
    facts = [releve_facts(external_id=str(number)) for number in range(3)]
    actions.import_releves(dataset=dataset, facts=facts, by=botanist, at=AN_INSTANT)
    return list(Releve.objects.order_by("external_id"))


def test_a_validator_judges_one_and_then_the_rest_together(client, validator, waiting):
    client.force_login(validator)
    desk = page(client, "releve-validation").content.decode()
    assert all(str(releve) in desk for releve in waiting)
    assert post(client, "releve-judge", waiting[0].uuid, data={"level": "1", "reason": ""}).status_code == 422
    post(client, "releve-judge", waiting[0].uuid, data={"level": "1", "reason": "Photo nette"})
    waiting[0].refresh_from_db()
    assert waiting[0].level == ReleveLevel.CERTAIN
    assert "Photo nette" in page(client, "releve", waiting[0].uuid).content.decode()
    empty = post(client, "releve-validation", data={"level": "2", "reason": "Série"})
    assert empty.status_code == 422
    batch = {"level": "2", "reason": "Série", "releves": [one.pk for one in waiting[1:]]}
    assert post(client, "releve-validation", data=batch).status_code == 302
    assert Sample.objects.in_service().filter(key__startswith="releve:").count() == 3


def test_the_author_has_no_desk_and_judges_nothing(client, botanist, waiting):
    client.force_login(botanist)
    assert page(client, "releve-validation").status_code == 403
    assert post(client, "releve-judge", waiting[0].uuid, data={"level": "1", "reason": "Moi"}).status_code == 403


def test_a_correspondence_is_chosen_on_the_page(client, botanist, validator, waiting):
    legend = [factories.HabitatTypeFactory(code=code) for code in ("E1.2", "E1.3")]
    factories.crosswalk_to(*legend, code="MB-1", typology="PVF2")
    facts = releve_facts(habitats=(actions.CitedHabitat("PVF2", "MB-1"),))
    releve = actions.save_releve(facts=facts, dataset=waiting[0].dataset, by=botanist, at=AN_INSTANT)
    actions.submit_releve(releve=releve, by=botanist, at=AN_INSTANT)
    client.force_login(validator)
    assert f'value="{legend[1].pk}"' in page(client, "releve", releve.uuid).content.decode()
    post(client, "releve-habitat", releve.uuid, 0, data={"habitat_type": legend[1].pk})
    assert releve.determinations.get().resolution == Resolution.CONFIRMED


def test_suggestions_give_code_name_and_colour_of_the_legend(client, people):
    factories.HabitatTypeFactory(code="E1.9")  # in the typology, not in the legend
    answer = client.get(reverse("habitats:habitat-suggestions"), {"q": "e1"}).json()["results"]
    assert [one["code"] for one in answer] == ["E1.2", "E1.3"]
    assert answer[0].keys() == {"id", "code", "label", "typology", "color"}
    wide = client.get(reverse("habitats:habitat-suggestions"), {"q": "E1.9", "typology": "EUNIS2012"}).json()
    assert [one["code"] for one in wide["results"]] == ["E1.9"]
    assert client.get(reverse("habitats:habitat-suggestions")).json() == {"results": []}


def test_a_script_in_a_comment_is_text(client, botanist):
    client.force_login(botanist)
    post(client, "releve-new", data={**form_of(comment="<script>alert(1)</script>"), "keep": "1"})
    text = page(client, "releve", Releve.objects.get().uuid).content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_nobody_judges_what_they_did_not_see(client, botanist, validator, waiting):
    client.force_login(validator)
    shown = page(client, "releve", waiting[0].uuid).context["judgement_form"]["seen_at"].initial
    desk = page(client, "releve-validation").context["form"]["seen_at"].initial
    for releve in waiting[:2]:
        facts = releve_facts(external_id=releve.external_id, habitats=(CitedHabitat("EUNIS2012", "E1.3"),))
        actions.save_releve(facts=facts, dataset=releve.dataset, releve=releve, by=botanist, at=timezone.now())
    judgement = {"level": "1", "reason": "Photo nette"}
    answer = post(client, "releve-judge", waiting[0].uuid, data={**judgement, "seen_at": shown})
    assert answer.status_code == 409
    batch = {**judgement, "releves": [one.pk for one in waiting], "seen_at": desk}
    assert post(client, "releve-validation", data=batch).status_code == 409
    assert not Releve.objects.exclude(level=ReleveLevel.WAITING).exists()
    shown = page(client, "releve", waiting[0].uuid).context["judgement_form"]["seen_at"].initial
    assert post(client, "releve-judge", waiting[0].uuid, data={**judgement, "seen_at": shown}).status_code == 302
    assert Releve.objects.get(pk=waiting[0].pk).level == ReleveLevel.CERTAIN
