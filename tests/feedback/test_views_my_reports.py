import datetime
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from feedback import actions
from feedback.queries.reviewers import deadline_of
from feedback.states import ReportState
from tests import factories
from tests.factories.consultation import Consultation
from tests.factories.feedback import ReportFactory, RoundFactory

pytestmark = pytest.mark.django_db
AN_HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def there():
    consultation = Consultation()
    consultation.at = timezone.now() - 6 * AN_HOUR
    return consultation


@pytest.fixture
def author(client, there):
    client.force_login(there.reviewer)
    return client


def page_of(client, report):
    return client.get(reverse("feedback:report", args=[report.pk]))


def test_without_a_report_the_list_says_how_to_begin(author):
    page = author.get(reverse("feedback:my-reports"))
    assert page.status_code == 200
    assert page.context["total"] == 0
    assert reverse("feedback:contest") in page.content.decode()


def test_the_list_holds_my_reports_by_group_and_nobody_elses(author, there):
    mine, draft = there.sent(), ReportFactory(draft=True, author=there.reviewer, round=there.round)
    ReportFactory(round=there.round)
    page = author.get(reverse("feedback:my-reports"))
    assert {line["report"] for line in page.context["lines"]} == {mine, draft}
    drafts = author.get(reverse("feedback:my-reports"), {"group": "mine"})
    assert [line["report"] for line in drafts.context["lines"]] == [draft]
    assert {key: number for key, _name, number in drafts.context["groups"]}["waiting"] == 1


def test_the_list_asks_the_same_number_of_questions_whatever_its_length(author, there):
    counts = []
    for column in range(4):
        there.sent(there.polygon(column))
        with CaptureQueriesContext(connection) as asked:
            author.get(reverse("feedback:my-reports"))
        counts.append(len(asked))
    assert counts[1] == counts[-1]


def test_a_draft_opens_in_its_form_and_a_stranger_finds_nothing(author, there):
    draft = ReportFactory(draft=True, author=there.reviewer, round=there.round)
    assert page_of(author, draft).url == reverse("feedback:contest-draft", args=[draft.pk])
    assert page_of(author, ReportFactory(round=there.round)).status_code == 404


def test_an_adjudicator_may_read_it_and_is_led_to_the_desk(client, there):
    report = there.sent()
    client.force_login(there.adjudicator)
    page = page_of(client, report)
    assert page.context["is_author"] is False
    assert reverse("feedback:desk-report", args=[report.pk]) in page.content.decode()
    assert reverse("feedback:report-withdraw", args=[report.pk]) not in page.content.decode()


def test_a_question_is_answered_on_its_page_and_names_nobody(author, there):
    report = there.asked()
    page = page_of(author, report).content.decode()
    assert "Quand ?" in page
    assert str(there.adjudicator) not in page
    url = reverse("feedback:report-answer", args=[report.pk])
    assert author.post(url, {"text": ""}).status_code == 422
    assert author.post(url, {"text": "Oui, <b>partout</b>."}).url == reverse("feedback:report", args=[report.pk])
    report.refresh_from_db()
    assert report.state == ReportState.SUBMITTED
    page = page_of(author, report).content.decode()
    assert "&lt;b&gt;partout" in page
    late = author.post(url, {"text": "Encore"})
    assert late.status_code == 409
    assert "Encore" in late.content.decode() or late.context["answer_form"].errors


def test_a_report_is_withdrawn_by_its_author_until_somebody_looks_at_it(author, there):
    report, taken = there.sent(), there.sent(there.polygon(3))
    actions.take_report(report=taken, by=there.adjudicator, at=there.at + AN_HOUR)
    for each in (report, taken):
        author.post(reverse("feedback:report-withdraw", args=[each.pk]))
    report.refresh_from_db()
    taken.refresh_from_db()
    assert (report.state, taken.state) == (ReportState.WITHDRAWN, ReportState.IN_REVIEW)


def test_a_refusal_shows_its_reason_and_until_when_one_may_appeal(author, there):
    report = there.rejected()
    page = page_of(author, report)
    assert page.context["appeal_form"] is not None
    assert page.context["deadline"].kind == "appeal"
    assert there.refusal().reply in page.content.decode()
    url = reverse("feedback:report-appeal", args=[report.pk])
    assert author.post(url, {"new_evidence": " "}).status_code == 422
    author.post(url, {"new_evidence": "Une visite le 3."})
    report.refresh_from_db()
    assert report.state == ReportState.APPEALED
    assert page_of(author, report).context["appeal_form"] is None


def test_after_the_window_no_appeal_is_offered(author, there):
    there.at = timezone.now() - datetime.timedelta(days=200)
    report = there.rejected()
    assert page_of(author, report).context["appeal_form"] is None


def test_an_accepted_report_reads_what_it_changed(author, there):
    report = there.accepted()
    page = page_of(author, report)
    effect = page.context["effect"]
    assert effect.hectares > 3
    assert [(change.from_type, change.to_type) for change in effect.changes] == [(there.meadow, there.heath)]
    assert "/#a=2024" in page.content.decode()


def test_somebody_elses_move_is_not_found(client, there):
    report = there.sent()
    client.force_login(factories.UserFactory())
    for name in ("answer", "appeal", "withdraw", "photos"):
        assert client.post(reverse(f"feedback:report-{name}", args=[report.pk])).status_code == 404


def photo(*, position=False):
    content = BytesIO()
    exif = Image.Exif()
    if position:
        exif.get_ifd(0x8825)[1] = "N"
        exif[0x8825] = {1: "N", 2: (43.0, 36.0, 0.0), 3: "E", 4: (2.0, 18.0, 0.0)}
    Image.new("RGB", (60, 40), "green").save(content, "JPEG", exif=exif)
    return SimpleUploadedFile("../../lande.jpg", content.getvalue(), "image/jpeg")


def test_a_photograph_loses_its_position_and_the_page_says_so(author, there):
    report = there.sent()
    url = reverse("feedback:report-photos", args=[report.pk])
    lines = author.post(url, {"photo": photo(position=True)}, headers={"HX-Request": "true"})
    attachment = report.attachments.get()
    assert lines.status_code == 200
    assert "lande.jpg" in lines.content.decode()
    assert ".." not in attachment.shown_name
    assert attachment.had_position
    shown = author.get(reverse("feedback:attachment-thumbnail", args=[attachment.pk]))
    assert b"".join(shown.streaming_content)[:2] == b"\xff\xd8"
    plain = author.post(url, {"photo": photo()})
    assert plain.url == reverse("feedback:report", args=[report.pk])
    assert report.attachments.count() == 2


def test_a_file_that_is_no_photograph_is_refused_in_a_sentence(author, there):
    url = reverse("feedback:report-photos", args=[there.sent().pk])
    text = SimpleUploadedFile("photo.jpg", b"hello", "image/jpeg")
    refused = author.post(url, {"photo": text}, headers={"HX-Request": "true"})
    assert refused.status_code == 422
    assert refused.json()["detail"]
    assert author.post(url, {}, headers={"HX-Request": "true"}).status_code == 422


def test_each_state_tells_its_next_date(there):
    report = ReportFactory(round=RoundFactory(), due_on=datetime.date(2024, 8, 1))
    assert deadline_of(report).kind == "answer"
    report.state = ReportState.DRAFT
    assert deadline_of(report).kind == "send"
    report.state = ReportState.INTEGRATED
    assert deadline_of(report) is None
    assert deadline_of(there.asked()).day > timezone.localdate()


def test_a_draft_is_thrown_away_and_stays_readable_to_its_author(author, there):
    draft = ReportFactory(draft=True, author=there.reviewer, round=there.round, geometry=None, proposed_type=None)
    author.post(reverse("feedback:report-withdraw", args=[draft.pk]))
    draft.refresh_from_db()
    assert draft.state == ReportState.WITHDRAWN
    assert page_of(author, draft).status_code == 200
    assert author.get(reverse("feedback:my-reports")).status_code == 200
