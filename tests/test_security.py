"""What every answer carries, whoever asks: headers, cookies, error pages, identities."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from rest_framework.authtoken.models import Token

from territories.states import Role
from tests import factories

pytestmark = pytest.mark.django_db


def directives(answer):
    header = answer["Content-Security-Policy"]
    return {words.split()[0]: words.split()[1:] for words in header.split(";") if words.strip()}


@pytest.mark.parametrize("name", ["account_login", "api-docs"])
def test_a_page_runs_only_our_own_scripts(client, name):
    policy = directives(client.get(reverse(name)))
    assert policy["default-src"] == ["'self'"]
    assert policy["object-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    for kind in ("script-src", "style-src"):
        assert all(source == "'self'" or source.startswith("'nonce-") for source in policy[kind])


def test_the_nonce_of_a_page_is_its_own(client):
    nonces = [
        re.search(r"'nonce-([^']+)'", client.get(reverse("api-docs"))["Content-Security-Policy"]) for _twice in "12"
    ]
    assert nonces[0][1] != nonces[1][1]


def test_no_page_of_another_server_is_framed_or_guessed(client):
    answer = client.get(reverse("account_login"))
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "strict-origin-when-cross-origin"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_of_other_sites(client):
    person = factories.UserFactory()
    answer = client.post(reverse("account_login"), {"login": person.email, "password": factories.PASSWORD})
    cookie = answer.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_a_wrong_password_opens_no_session(client):
    person = factories.UserFactory()
    answer = client.post(reverse("account_login"), {"login": person.email, "password": "not-the-password"})
    assert settings.SESSION_COOKIE_NAME not in answer.cookies


def test_a_form_without_its_token_is_refused():
    careful = Client(enforce_csrf_checks=True)
    answer = careful.post(reverse("account_login"), {"login": "a@example.org", "password": "x"})
    assert answer.status_code == 403


def test_a_session_writes_to_the_api_only_with_its_csrf_token():
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(factories.person_with(Role.MODEL_ENGINEER))
    run = factories.RunFactory()
    answer = careful.post(f"/api/v1/runs/{run.pk}/stop/")
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")


def test_a_token_writes_without_a_csrf_token():
    careful = Client(enforce_csrf_checks=True)
    token = Token.objects.create(user=factories.person_with(Role.MODEL_ENGINEER))
    run = factories.RunFactory()
    answer = careful.post(f"/api/v1/runs/{run.pk}/stop/", headers={"Authorization": f"Token {token.key}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", ["token", "session"])
def test_a_closed_account_has_no_identity(client, kind):
    person = factories.person_with(Role.MODEL_ENGINEER)
    token = Token.objects.create(user=person)
    client.force_login(person)
    person.is_active = False
    person.save()
    headers = {"Authorization": f"Token {token.key}"} if kind == "token" else {}
    assert client.get("/api/v1/runs/", headers=headers).status_code == 401


def test_a_mandate_that_has_ended_opens_nothing(client):
    mandate = factories.MandateFactory(engineer=True, ends_on=factories.A_DAY)
    client.force_login(mandate.user)
    assert client.get("/api/v1/runs/").status_code == 403


def test_nobody_opens_an_account_alone(client):
    answer = client.post(
        reverse("account_signup"), {"email": "a@example.org", "password1": "x" * 14, "password2": "x" * 14}
    )
    assert answer.status_code in (200, 403, 404)
    assert not factories.UserFactory._meta.model.objects.filter(email="a@example.org").exists()


def test_a_person_does_not_open_the_administration(client):
    client.force_login(factories.person_with(Role.MODEL_ENGINEER))
    assert client.get("/admin/").status_code == 302


def test_an_unknown_page_is_a_page_for_people_and_a_problem_for_programs(client):
    page, problem = client.get("/nowhere/"), client.get("/api/v1/nowhere/")
    assert (page.status_code, page["Content-Type"].partition(";")[0]) == (404, "text/html")
    assert (problem.status_code, problem["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(("path", "kind"), [("/", "text/html"), ("/api/v1/vintages/", "application/problem+json")])
def test_a_failure_says_nothing_of_the_inside(client, monkeypatch, path, kind):
    def fail(*_arguments, **_options):
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr("habitats.queries.vintages_visible_to", fail)
    monkeypatch.setattr("habitats.views.map.vintages_visible_to", fail)
    client.raise_request_exception = False
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (500, kind)
    assert b"hunter2" not in answer.content


def test_words_in_an_address_are_never_markup(client):
    answer = client.get("/api/v1/territories/", {"territory": "<script>alert(1)</script>"})
    assert answer.status_code == 422
    assert "html" not in answer["Content-Type"]
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_host_that_is_not_ours_is_refused(client):
    assert client.get("/api/v1/vintages/", headers={"Host": "evil.example"}).status_code == 400
