import pytest
from django.test import Client
from django.urls import reverse

from feedback.models import Attachment
from tests import factories
from tests.feedback import files
from tests.feedback.api_ground import REPORTS, Program, make_ground

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "uploads"


@pytest.fixture
def ground():
    return make_ground()


@pytest.fixture
def reviewer(ground):
    return Program(ground.reviewer)


@pytest.fixture
def draft(ground, reviewer):
    return reviewer.post(REPORTS, ground.body(draft=True)).json()["id"]


def read(answer):
    """To the end, which closes it."""
    return b"".join(answer.streaming_content)


def test_a_photograph_is_attached_once_read_back_and_said_to_have_lost_its_position(reviewer, draft):
    answer = reviewer.send_file(draft, files.uploaded(files.photograph_with_position(), "../../x.jpg"))
    assert answer.status_code == 201, answer.content
    facts = answer.json()
    assert (facts["name"], facts["media_type"], facts["had_position"]) == ("x.jpg", "image/jpeg", True)
    assert reviewer.send_file(draft, files.uploaded(files.photograph_with_position())).status_code == 200
    shown = reviewer.get(f"{REPORTS}{draft}/").json()["properties"]["attachments"]
    assert [one["id"] for one in shown] == [facts["id"]]
    content = reviewer.get(facts["url"])
    assert (content["Content-Type"], content["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    assert "private" in content["Cache-Control"]
    assert read(content).startswith(b"\xff\xd8\xff")


def test_an_image_is_asked_for_as_an_image(reviewer, draft):
    url = reviewer.send_file(draft, files.uploaded(files.picture())).json()["url"]
    answer = reviewer.client.get(url, headers={**reviewer.headers, "Accept": "image/jpeg"})
    assert answer.status_code == 200
    assert read(answer)
    missing = reviewer.client.get(f"{url}9/", headers={**reviewer.headers, "Accept": "image/jpeg"})
    assert (missing.status_code, missing["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("content", [b"<svg onload='alert(1)'/>", files.image_bomb(), b""])
def test_a_hostile_file_is_refused_by_its_field(reviewer, draft, content):
    answer = reviewer.send_file(draft, files.uploaded(content, "photo.jpg"))
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert list(answer.json()["fields"]) == ["file"]


def test_a_request_without_a_file_names_the_field(reviewer, draft):
    address = f"{REPORTS}{draft}/attachments/"
    for body in ({}, {"file": "not a file"}):
        answer = reviewer.client.post(address, body, headers=reviewer.headers)
        assert (answer.status_code, list(answer.json()["fields"])) == (422, ["file"])
    assert reviewer.post(address, {"file": "x"}).status_code == 415


def test_a_huge_photograph_is_refused_by_its_announced_size(reviewer, draft, settings):
    settings.LARGEST_ATTACHMENT_BYTES = 1000
    huge = files.uploaded(b"\xff\xd8\xff" * (1 << 19))
    for largest in (1000, 10_000_000):
        settings.LARGEST_MULTIPART_BYTES = largest
        answer = reviewer.send_file(draft, huge)
        assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")
        assert answer.json()["code"] == "too_large"
        huge.seek(0)


def test_a_huge_form_of_a_page_is_refused_by_a_page(client, settings):
    settings.LARGEST_MULTIPART_BYTES = 1000
    answer = client.post("/compte/login/", {"file": files.uploaded(b"x" * 5000)})
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (413, "text/html")


def test_a_huge_body_without_a_file_is_refused(reviewer, ground, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert reviewer.post(REPORTS, ground.body(comment="x" * 5000)).status_code == 413


def test_nobody_but_readers_know_of_a_file(ground, reviewer, draft):
    url = reviewer.send_file(draft, files.uploaded(files.picture())).json()["url"]
    for person in (None, ground.adjudicator, factories.UserFactory()):
        assert Program(person).get(url).status_code == (401 if person is None else 404)
        assert Program(person).send_file(draft, files.uploaded(files.picture("PNG"))).status_code in (401, 404)
    reviewer.move(draft, "submit")
    desk = Program(ground.adjudicator)
    answer = desk.get(url)
    assert answer.status_code == 200
    assert read(answer)
    assert desk.send_file(draft, files.uploaded(files.picture("PNG"))).status_code == 403


def test_a_file_is_removed_from_a_draft_only(ground, reviewer, draft):
    url = reviewer.send_file(draft, files.uploaded(files.picture())).json()["url"]
    assert reviewer.delete(url).status_code == 204
    url = reviewer.send_file(draft, files.uploaded(files.picture())).json()["url"]
    reviewer.move(draft, "submit")
    assert reviewer.delete(url).status_code == 409
    assert Attachment.objects.count() == 1


def shown(person, name, attachment):
    client = Client()
    client.force_login(person)
    return client.get(reverse(f"feedback:{name}", args=[attachment]))


def test_pages_show_files_and_thumbnails_to_readers_only(ground, reviewer, draft):
    number = reviewer.send_file(draft, files.uploaded(files.picture())).json()["id"]
    for name in ("attachment", "attachment-thumbnail"):
        assert Client().get(reverse(f"feedback:{name}", args=[number])).status_code == 302
        assert shown(ground.adjudicator, name, number).status_code == 404
        answer = shown(ground.reviewer, name, number)
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
        assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert read(answer)


def test_a_document_is_downloaded_and_never_opened_in_the_page(ground, reviewer, draft):
    number = reviewer.send_file(draft, files.uploaded(files.PDF, 'a"b\r\nX: y.pdf')).json()["id"]
    answer = shown(ground.reviewer, "attachment", number)
    assert answer["Content-Disposition"].startswith("attachment;")
    assert "\n" not in answer["Content-Disposition"]
    assert answer["Content-Security-Policy"].startswith("sandbox;")
    assert read(answer)
    assert shown(ground.reviewer, "attachment-thumbnail", number).status_code == 404
