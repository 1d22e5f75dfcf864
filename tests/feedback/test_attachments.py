import stat
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from bioccia.errors import InvalidFieldsError, NotAllowedError, StateForbidsError
from feedback import storage
from feedback.actions.attachments import attach_file, remove_attachment, shown_name
from feedback.models import Attachment
from feedback.states import ReportState
from territories.states import Role
from tests import factories
from tests.feedback import files

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "uploads"


@pytest.fixture
def report():
    return factories.ReportFactory(draft=True, author=factories.person_with(Role.REVIEWER))


def attach(report, content=None, name="photo.jpg", by=None):
    upload = files.uploaded(files.picture() if content is None else content, name)
    return attach_file(report=report, upload=upload, by=by or report.author, at=factories.AN_INSTANT)


def kept(attachment):
    return storage.attachment_path(attachment.file_name)


def stored_files(settings):
    return sorted(settings.MEDIA_ROOT.rglob("*.*"))


@pytest.mark.parametrize(("form", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_a_picture_is_kept_with_its_thumbnail_whatever_its_name_says(report, form, media_type):
    attachment = attach(report, files.picture(form), name="notes.txt")
    assert (attachment.media_type, attachment.width, attachment.height) == (media_type, 640, 480)
    with Image.open(kept(attachment)) as picture, Image.open(storage.thumbnail_path(attachment.file_name)) as small:
        assert (picture.format, picture.size) == (form, (640, 480))
        assert (small.format, small.size) == ("JPEG", (480, 360))


def test_a_transparent_picture_keeps_its_transparency_and_has_a_white_thumbnail(report):
    attachment = attach(report, files.picture("PNG", mode="RGBA", color=(0, 0, 0, 0)))
    with Image.open(kept(attachment)) as picture, Image.open(storage.thumbnail_path(attachment.file_name)) as small:
        assert picture.getpixel((5, 5)) == (0, 0, 0, 0)
        assert small.getpixel((5, 5)) == (255, 255, 255)


def test_a_pdf_is_kept_as_it_is(report):
    attachment = attach(report, files.PDF, name="etude.pdf")
    assert (attachment.media_type, attachment.width) == ("application/pdf", None)
    assert kept(attachment).read_bytes() == files.PDF


def test_a_photograph_is_turned_upright_and_forgets_where_and_by_whom_it_was_taken(report):
    attachment = attach(report, files.photograph_with_position())
    assert (attachment.width, attachment.height, attachment.had_position) == (480, 640, True)
    content = kept(attachment).read_bytes()
    assert not [word for word in (b"Exif", b"Rel", b"private words", b"profile of the maker") if word in content]
    with Image.open(BytesIO(content)) as picture:
        assert not picture.getexif()
        assert not {"exif", "icc_profile", "comment", "xmp"} & picture.info.keys()


def test_a_position_in_the_xmp_packet_is_noted_and_forgotten(report):
    packet = b'<x:xmpmeta><rdf:Description exif:GPSLatitude="43,36.2N"/></x:xmpmeta>'
    attachment = attach(report, files.picture(xmp=packet))
    assert attachment.had_position
    assert b"GPSLatitude" not in kept(attachment).read_bytes()


def test_a_photograph_without_a_position_says_so(report):
    assert not attach(report).had_position


def test_what_hides_behind_a_picture_is_not_kept(report):
    attachment = attach(report, files.picture() + b"<script>alert(1)</script>PK\x05\x06")
    assert b"script" not in kept(attachment).read_bytes()


def test_files_are_readable_by_our_own_processes_only_and_named_by_us(report, settings):
    attachment = attach(report, name="../../etc/passwd")
    assert kept(attachment).parent == settings.MEDIA_ROOT / "reports"
    assert stat.S_IMODE(kept(attachment).stat().st_mode) == 0o600
    assert stat.S_IMODE(kept(attachment).parent.stat().st_mode) == 0o700
    assert attachment.shown_name == "passwd"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../x", "x"),
        ("C:\\Users\\me\\terrain.jpg", "terrain.jpg"),
        ("pré\u202egpj.exe", "prégpj.exe"),
        ("a\x00b\nc\x1b[31m.png", "abc[31m.png"),
        ("a\u2028b\u200b.png", "ab.png"),
        ("..", "sans nom"),
        ("", "sans nom"),
        ("<img src=x onerror=alert(1)>.jpg", "<img src=x onerror=alert(1)>.jpg"),
    ],
)
def test_the_name_of_the_sender_is_only_text(given, shown):
    assert shown_name(given) in (shown, shown.replace("sans nom", "unnamed"))


def test_a_name_of_a_thousand_characters_keeps_its_ends():
    name = shown_name("a" * 1000 + ".jpeg")
    assert len(name) == 100
    assert name.endswith(".jpeg")


HOSTILE = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "html": b"<!doctype html><script>alert(1)</script>",
    "zip": b"PK\x03\x04" + b"\0" * 40,
    "exe": b"MZ\x90\0" + b"\0" * 40,
    "gif": b"GIF89a" + b"\0" * 40,
    "pdf that carries an archive": files.PDF + b"PK\x03\x04archivePK\x05\x06" + b"\0" * 18,
    "archive inside a pdf": files.PDF.replace(b"%%EOF", b"PK\x05\x06%%EOF"),
    "pdf cut short": files.PDF[:40],
    "jpeg cut short": files.picture()[:400],
    "jpeg of its first bytes only": b"\xff\xd8\xff\xe0" + b"\0" * 40,
    "png of its first bytes only": b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
    "webp that is a sound": b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 30,
    "webp spoilt": b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 30,
    "html that begins as a jpeg": b"\xff\xd8\xff<script>alert(1)</script>",
    "image bomb": files.image_bomb(),
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_a_picture_nor_a_pdf_is_refused_and_leaves_nothing(report, settings, name):
    with pytest.raises(InvalidFieldsError) as refusal:
        attach(report, HOSTILE[name])
    assert list(refusal.value.fields) == ["file"]
    assert not Attachment.objects.exists()
    assert stored_files(settings) == []


def test_more_pixels_than_the_limit_are_refused_before_they_are_decoded(report, settings):
    settings.LARGEST_PICTURE_PIXELS = 1000
    with pytest.raises(InvalidFieldsError, match="million"):
        attach(report)


def test_a_file_beyond_the_limit_is_refused(report, settings):
    settings.LARGEST_ATTACHMENT_BYTES = 100
    with pytest.raises(InvalidFieldsError, match=r"MB|Mo"):
        attach(report)


def test_the_same_file_twice_is_one_attachment(report, settings):
    first, second = attach(report), attach(report, name="again.jpg")
    assert first == second
    assert len(stored_files(settings)) == 2


def test_a_report_takes_four_files(report):
    for number in range(4):
        attach(report, files.picture(size=(10 + number, 10)))
    with pytest.raises(StateForbidsError, match="4"):
        attach(report, files.picture(size=(20, 10)))
    assert report.attachments.count() == 4


def test_nobody_adds_a_file_to_the_report_of_another(report):
    with pytest.raises(NotAllowedError):
        attach(report, by=factories.UserFactory())


def test_an_author_without_a_mandate_adds_nothing():
    with pytest.raises(NotAllowedError):
        attach(factories.ReportFactory(draft=True))


@pytest.mark.parametrize("state", [ReportState.IN_REVIEW, ReportState.WITHDRAWN])
def test_no_file_is_added_once_the_desk_has_the_word(state):
    report = factories.ReportFactory(state=state)
    with pytest.raises(StateForbidsError):
        attach(report)


def test_a_file_of_a_draft_is_removed_for_good(report, settings, django_capture_on_commit_callbacks):
    attachment = attach(report)
    with django_capture_on_commit_callbacks(execute=True):
        remove_attachment(attachment=attachment, by=report.author, at=factories.AN_INSTANT)
    assert not Attachment.objects.exists()
    assert stored_files(settings) == []


def test_a_file_that_the_desk_may_have_read_stays():
    report = factories.ReportFactory(author=factories.person_with(Role.REVIEWER))
    attachment = attach(report)
    with pytest.raises(StateForbidsError):
        remove_attachment(attachment=attachment, by=report.author, at=factories.AN_INSTANT)
    assert kept(attachment).exists()


def test_a_row_that_cannot_be_written_leaves_no_file(report, settings, monkeypatch):
    def fail(*_arguments, **_options):
        raise OSError("disk full")

    monkeypatch.setattr(Attachment, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        attach(report)
    assert stored_files(settings) == []


def test_a_name_that_no_form_gave_is_no_failure(report):
    upload = SimpleUploadedFile("x", files.picture())
    upload._name = None
    assert attach_file(report=report, upload=upload, by=report.author, at=factories.AN_INSTANT).shown_name
