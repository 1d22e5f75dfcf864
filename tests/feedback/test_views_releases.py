"""Pages, files and API of releases."""

import json

import pytest
from django.urls import reverse

from feedback.models import Release
from feedback.release_folders import folder_of
from feedback.states import ReleaseState
from ml.compute.publishing import verify
from ml.models import Run
from territories.states import Role
from tests import factories
from tests.factories import DAY
from tests.releases import (
    AN_INSTANT,
    actions,
    administrators,
    correct,
    dropped_correction,
    published_release,
    ready_map,
    signed_release,
)

pytestmark = pytest.mark.django_db(transaction=True)
ENGLISH = {"accept-language": "en"}
TICKED = {"has_read": "on", "is_for_good": "on", "is_public": "on", "tells_authors": "on"}


@pytest.fixture
def vintage(tmp_path, settings):
    settings.FILES_DIR = tmp_path / "files"
    return ready_map(tmp_path / "map")


@pytest.fixture
def release(vintage):
    return published_release(vintage)


@pytest.fixture
def administrator(client):
    person = administrators()[0]
    client.force_login(person)
    return person


def text_of(response):
    return response.content.decode()


def get(client, name, *args, **headers):
    return client.get(reverse(f"feedback:{name}", args=args), headers={**ENGLISH, **headers})


def post(client, name, *args, **data):
    return client.post(reverse(f"feedback:{name}", args=args), data, headers=ENGLISH)


def test_everybody_reads_a_release_and_how_to_verify_it(client, release):
    assert "2024.0" in text_of(get(client, "release-list"))
    text = text_of(get(client, "release", 2024, 0))
    assert release.content_sha256 in text
    assert "Licence Ouverte 2.0" in text
    assert "sha256sum -c MANIFEST.sha256" in text
    assert "not assessable" in text
    assert "1:25,000" in text
    assert reverse("feedback:release-withdraw", args=[2024, 0]) not in text
    for name in verify.FILES:
        assert reverse("feedback:release-file", args=[2024, 0, name]) in text


def test_an_empty_list_says_so(client, db):
    assert "No release yet" in text_of(get(client, "release-list"))


def test_a_year_leads_to_its_latest_release_and_a_file_too(client, release):
    assert get(client, "release-latest", 2024).url == "/releases/2024.0/"
    assert get(client, "release-latest-file", 2024, "classes.tif").url == "/releases/2024.0/classes.tif"
    assert get(client, "release-latest", 2031).status_code == 404


def test_a_file_is_given_whole_by_its_hash_or_by_a_range(client, release):
    path = folder_of(release) / verify.TILES
    whole = get(client, "release-file", 2024, 0, verify.TILES)
    assert b"".join(whole.streaming_content) == path.read_bytes()
    assert whole["Content-Disposition"] == 'attachment; filename="habitats.pmtiles"'
    assert whole["Access-Control-Allow-Origin"] == "*"
    etag = whole["ETag"]
    assert get(client, "release-file", 2024, 0, verify.TILES, **{"if-none-match": etag}).status_code == 304
    part = get(client, "release-file", 2024, 0, verify.TILES, range="bytes=2-6")
    assert (part.status_code, b"".join(part.streaming_content)) == (206, path.read_bytes()[2:7])
    assert part["Content-Range"] == f"bytes 2-6/{path.stat().st_size}"
    tail = get(client, "release-file", 2024, 0, verify.TILES, range="bytes=-4")
    assert b"".join(tail.streaming_content) == path.read_bytes()[-4:]
    assert get(client, "release-file", 2024, 0, verify.TILES, range="bytes=99999999-").status_code == 416
    for odd in ("bytes=" + "9" * 5000 + "-", "bytes=1-2,5-6", "bytes=-", "cells=1-2"):
        answer = get(client, "release-file", 2024, 0, verify.TILES, range=odd)
        assert answer.status_code == 200
        answer.close()
    other = get(client, "release-file", 2024, 0, verify.TILES, range="bytes=0-1", **{"if-range": '"another"'})
    assert other.status_code == 200
    other.close()
    whole.close()


@pytest.mark.parametrize("name", ["secret", "..%2Fsecret_key", "MANIFEST.sha256.bak", ".draft"])
def test_what_is_not_a_file_of_the_release_is_not_given(client, release, name):
    assert client.get(f"/releases/2024.0/{name}").status_code == 404


def test_a_release_under_way_is_nobodys_business_but_the_administrators(client, vintage):
    release = signed_release(vintage)
    assert get(client, "release", 2024, 0).status_code == 404
    assert get(client, "release-file", 2024, 0, verify.CARD).status_code == 404
    assert get(client, "release-dossier", release.pk).status_code == 302
    client.force_login(factories.person_with(Role.MODEL_ENGINEER))
    for response in (
        get(client, "release-dossier", release.pk),
        get(client, "release-gate", 2024),
        get(client, "release-gate-lines", 2024),
        post(client, "release-sign", release.pk, dossier_sha256=release.dossier_sha256, **TICKED),
        post(client, "release-abandon", release.pk, reason="x"),
    ):
        assert response.status_code == 403
    answer = client.get("/api/v1/releases/").json()
    assert answer["count"] == 0


def test_a_withdrawn_release_says_why_and_gives_nothing(client, release, administrator):
    assert post(client, "release-withdraw", 2024, 0, reason="").status_code == 422
    post(client, "release-withdraw", 2024, 0, reason="Légende <b>fausse</b>.")
    text = text_of(get(client, "release", 2024, 0))
    assert "Légende &lt;b&gt;fausse" in text
    assert reverse("feedback:release-file", args=[2024, 0, verify.CARD]) not in text
    answer = get(client, "release-file", 2024, 0, verify.CARD)
    assert answer.status_code == 410
    assert "Légende" in text_of(answer)
    (row,) = client.get("/api/v1/releases/").json()["results"]
    assert (row["state"], row["files"]) == ("withdrawn", [])


def test_a_superseded_release_leads_to_the_one_that_took_its_place(client, release, administrator):
    assert post(client, "release-erratum", 2024, 0).url == "/releases/preparer/2024/"
    assert "2024.1" in text_of(get(client, "release-gate", 2024))
    published_release(release.vintage.__class__.objects.get(year=2024, state="working"))
    text = text_of(get(client, "release", 2024, 0))
    assert "Superseded by 2024.1" in text
    assert reverse("feedback:release", args=[2024, 1]) in text
    assert get(client, "release-latest", 2024).url == "/releases/2024.1/"
    kept = get(client, "release-file", 2024, 0, verify.ACCURACY)
    assert json.loads(b"".join(kept.streaming_content))["release"] == "2024.0"
    kept.close()


def test_the_gate_names_what_blocks_and_where_to_act(client, vintage, administrator):
    factories.ReportFactory(round=vintage.region.rounds.get())
    text = text_of(get(client, "release-gate", 2024))
    assert "1 thing to do first" in text
    assert reverse("feedback:desk") in text
    assert 'hx-trigger="every 15s' in text
    answer = post(client, "release-prepare", 2024)
    assert answer.status_code == 409
    assert "waits for an answer" in text_of(answer)
    assert not Release.objects.exists()


def test_dropped_corrections_are_listed_and_ticked(client, vintage, administrator):
    dropped_correction(vintage)
    text = text_of(get(client, "release-gate", 2024))
    assert "a newer sample says otherwise" in text
    assert post(client, "release-prepare", 2024).status_code == 422
    assert post(client, "release-prepare", 2024, acknowledges_dropped="on").status_code == 302


def test_a_dossier_is_prepared_read_and_signed_on_the_pages(client, vintage):
    first, second = administrators()
    client.force_login(first)
    address = post(client, "release-prepare", 2024).url
    release = Release.objects.get()
    text = text_of(client.get(address, headers=ENGLISH))
    assert release.dossier_sha256 in text
    assert release.dossier["map"]["sha256"] in text
    unticked = post(client, "release-sign", release.pk, dossier_sha256=release.dossier_sha256, has_read="on")
    assert unticked.status_code == 422
    assert post(client, "release-sign", release.pk, dossier_sha256="0" * 64, **TICKED).status_code == 409
    assert not release.signatures.exists()
    assert post(client, "release-sign", release.pk, dossier_sha256=release.dossier_sha256, **TICKED).status_code == 302
    assert "another service" in text_of(client.get(address, headers=ENGLISH))
    client.force_login(second)
    post(client, "release-sign", release.pk, dossier_sha256=release.dossier_sha256, **TICKED)
    run = Run.objects.get()
    assert reverse("ml:run", args=[run.pk]) in text_of(client.get(address, headers=ENGLISH))
    assert Release.objects.get().state == ReleaseState.SIGNED


def test_a_dossier_that_is_no_longer_true_says_what_changed(client, vintage):
    first, second = administrators()
    release = actions.prepare_release(vintage=vintage, by=first, at=AN_INSTANT + DAY)
    correct(vintage, 1, "J1.1")
    client.force_login(second)
    answer = post(client, "release-sign", release.pk, dossier_sha256=release.dossier_sha256, **TICKED)
    assert answer.status_code == 409
    assert "the polygons" in text_of(answer)


def test_a_release_is_abandoned_on_its_page(client, vintage, administrator):
    release = actions.prepare_release(vintage=vintage, by=administrator, at=AN_INSTANT + DAY)
    assert post(client, "release-abandon", release.pk, reason="Trop tôt.").url == "/releases/"
    assert Release.objects.get().state == ReleaseState.ABANDONED


def test_programs_read_releases_and_their_files(client, release):
    (row,) = client.get("/api/v1/releases/?year=2024&state=published").json()["results"]
    assert row["name"] == "2024.0"
    assert row["overall_accuracy"] == {"estimate": 0.9, "low_95": 0.86, "high_95": 0.94}
    assert len(row["files"]) == 8
    assert row == client.get(f"/api/v1/releases/{row['id']}/").json()
    manifest = next(file for file in row["files"] if file["name"] == "MANIFEST.sha256")
    answer = client.get(manifest["url"])
    body = b"".join(answer.streaming_content).decode()
    answer.close()
    assert all(file["sha256"] in body for file in row["files"] if file["name"] != "MANIFEST.sha256")
    assert client.get("/api/v1/releases/?state=prepared").status_code == 422
    assert json.dumps(row)
