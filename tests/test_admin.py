"""The administration, app by app."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.contrib.gis.geos import Point
from django.urls import reverse
from django.utils import timezone

from bioccia.admin import drawing_of
from habitats.models import Sample
from ml.models import Run
from territories.models import Mandate, Territory, User
from territories.permissions import may
from territories.states import Role
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(client):
    """Somebody who may do everything in the administration."""
    person = factories.UserFactory(administrator=True)
    client.force_login(person)
    return person


@pytest.fixture
def filled(administrator):
    """A row in the tables that matter."""
    factories.MandateFactory(engineer=True)
    factories.SampleFactory()
    vintage = factories.VintageFactory(published=True)
    factories.PolygonFactory(vintage=vintage, doubtful=True)
    factories.TerritoryTransitionFactory(vintage=vintage)
    factories.TerritoryStatisticFactory(vintage=vintage)
    factories.LegendEntryFactory()
    factories.RunStepFactory(run=factories.RunFactory(finished=True))
    factories.PredictorLayerFactory()
    factories.OutboxMessageFactory()
    factories.ReportPolygonFactory(polygon__vintage=vintage)


def test_every_list_and_every_row_can_be_opened_and_searched(client, filled):
    for model in admin.site._registry:
        path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        assert client.get(path, {"q": "1"}).status_code in (200, 302), path
        assert client.get(path).status_code == 200, path
        if row := model._default_manager.first():
            address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
            assert client.get(address).status_code == 200, address


@pytest.mark.parametrize("model", [Run, Sample, Territory])
def test_what_actions_write_is_only_read_here(client, administrator, model):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert client.get(reverse(f"{name}_add")).status_code == 403
    row = {Run: factories.RunFactory, Sample: factories.SampleFactory, Territory: factories.TerritoryFactory}[model]()
    assert client.post(reverse(f"{name}_change", args=[row.pk]), {"year": 1999}).status_code == 403
    assert client.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_the_audit_sample_is_sealed_here_too(client, administrator):
    sample = factories.SampleFactory(audit=True)
    assert sample.key not in client.get(reverse("admin:habitats_sample_changelist")).content.decode()
    assert client.get(reverse("admin:habitats_sample_change", args=[sample.pk])).status_code == 302


def test_a_mandate_given_here_gives_its_rights_at_once(client, administrator):
    person, region = factories.UserFactory(), factories.TerritoryFactory(region=True)
    fields = {"user": person.pk, "role": Role.MODEL_ENGINEER, "territory": region.pk, "starts_on": "2024-01-01"}
    client.post(reverse("admin:territories_mandate_add"), {**fields, "ends_on": ""})
    assert may(User.objects.get(pk=person.pk), "run_models", on=timezone.localdate())
    mandate = Mandate.objects.get()
    client.post(reverse("admin:territories_mandate_change", args=[mandate.pk]), {"ends_on": "2024-02-01"})
    assert not may(User.objects.get(pk=person.pk), "run_models", on=timezone.localdate())
    assert not User.objects.get(pk=person.pk).groups.exists()


def test_a_person_is_made_from_an_address_and_never_deleted(client, administrator):
    fields = {"email": "nouvelle@example.org", "usable_password": "true"}
    passwords = {"password1": "une-longue-phrase-42", "password2": "une-longue-phrase-42"}
    inline = {"mandates-TOTAL_FORMS": "0", "mandates-INITIAL_FORMS": "0"}
    client.post(reverse("admin:territories_user_add"), {**fields, **passwords, **inline})
    person = User.objects.get(email="nouvelle@example.org")
    assert client.post(reverse("admin:territories_user_delete", args=[person.pk]), {"post": "yes"}).status_code == 403


def test_the_administration_has_no_sign_in_form_of_its_own(client):
    person = factories.UserFactory(administrator=True)
    answer = client.post(reverse("admin:login"), {"username": person.email, "password": factories.PASSWORD})
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))
    assert "_auth_user_id" not in client.session


def test_a_lesser_administrator_cannot_change_the_password_of_one_who_may_everything(client):
    helper = factories.UserFactory(is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(content_type__app_label="territories"))
    client.force_login(helper)
    other, above = factories.UserFactory(), factories.UserFactory(administrator=True)
    passwords = {"password1": "une-longue-phrase-42", "password2": "une-longue-phrase-42", "usable_password": "true"}
    answers = {
        person: client.post(reverse("admin:auth_user_password_change", args=[person.pk]), passwords).status_code
        for person in (other, above)
    }
    assert answers == {other: 302, above: 403}
    assert not User.objects.get(pk=above.pk).check_password("une-longue-phrase-42")


def test_an_outline_is_drawn_without_script_nor_tile():
    drawing = drawing_of(factories.square())
    assert drawing.startswith("<svg")
    assert "http" not in drawing
    assert "M" in drawing_of(Point(2.3, 43.6, srid=4326))
    assert drawing_of(None) == ""
