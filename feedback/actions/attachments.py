"""Photographs and documents of a report."""

import datetime
import hashlib
import unicodedata
from collections.abc import Iterable
from functools import partial
from typing import BinaryIO, Protocol

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.errors import NotAllowedError, StateForbidsError
from feedback import pictures, storage
from feedback.models import Attachment, Report
from feedback.permissions import may_begin
from feedback.pictures import refused
from feedback.states import TAKES_FILES, ReportState
from territories.models import User

logger = structlog.get_logger(__name__)
LONGEST_NAME = 100
# Letters, marks, numbers, punctuation, symbols and plain spaces; no control, no direction override.
SHOWN_KINDS = ("L", "M", "N", "P", "S", "Zs")


class Upload(Protocol):
    """A file as Django received it."""

    name: str | None
    size: int | None
    file: BinaryIO

    def chunks(self) -> Iterable[bytes]:
        """Its bytes, piece by piece."""


@transaction.atomic
def attach_file(*, report: Report, upload: Upload, by: User, at: datetime.datetime) -> Attachment:
    """Add a photograph or a document to a report; the same file again is the same attachment.

    Pictures are written again without their metadata: where they were taken is removed, and noted.

    Args:
        report: one whose author has the word.
        upload: neither its name nor the kind it announces is believed.
        by: the author of the report.
        at: the moment.

    Raises:
        NotAllowedError: somebody else's report.
        StateForbidsError: the desk has the word, or the report has its files.
        InvalidFieldsError: the file is empty, too large, spoilt, or of a kind that is not taken.
    """
    report = _held(report, by)
    if not may_begin(by, timezone.localdate(at)):
        raise NotAllowedError(_("Files are added with a mandate in force. Ask the Region for one."))
    content = _content(upload)
    sha256 = hashlib.sha256(content.read()).hexdigest()
    if known := report.attachments.filter(sha256=sha256).first():
        return known
    if report.attachments.count() >= settings.ATTACHMENTS_PER_REPORT:
        raise StateForbidsError(
            _("A report takes %(count)s files. Remove one first.") % {"count": settings.ATTACHMENTS_PER_REPORT}
        )
    attachment = Attachment(report=report, added_by=by, added_at=at, sha256=sha256)
    attachment.shown_name = shown_name(upload.name or "")
    _store(attachment, content)
    logger.info("file attached", report=report.pk, attachment=attachment.pk, by=by.pk, media_type=attachment.media_type)
    return attachment


@transaction.atomic
def remove_attachment(*, attachment: Attachment, by: User, at: datetime.datetime) -> None:
    """Take a file back from a draft, for good.

    Raises:
        NotAllowedError: somebody else's report.
        StateForbidsError: the report was sent: what the desk may have read stays.
    """
    report = _held(attachment.report, by)
    if report.state != ReportState.DRAFT:
        raise StateForbidsError(_("This report was sent: its files stay with it."))
    name, number = attachment.file_name, attachment.pk
    attachment.delete()
    transaction.on_commit(partial(storage.forget, name))
    logger.info("file removed", report=report.pk, attachment=number, by=by.pk, at=at.isoformat())


def shown_name(name: str) -> str:
    """The sender's name of a file as text that is safe to show: no folder, no control character, no override."""
    last = name.replace("\\", "/").rpartition("/")[2][-4 * LONGEST_NAME :]
    text = "".join(sign for sign in last if unicodedata.category(sign).startswith(SHOWN_KINDS)).strip(". ")
    if len(text) > LONGEST_NAME:
        text = f"{text[: LONGEST_NAME - 12]}…{text[-11:]}"
    return text or _("unnamed")


def _held(report: Report, by: User) -> Report:
    """The report, locked, once we know that its author may change its files now."""
    report = Report.objects.select_for_update().get(pk=report.pk)
    if report.author_id != by.pk:
        raise NotAllowedError(_("Only the author of a report changes its files."))
    if report.state not in TAKES_FILES:
        raise StateForbidsError(
            _("The desk has the word: a report that is “%(state)s” takes no file.")
            % {"state": report.get_state_display()}
        )
    return report


def _content(upload: Upload) -> BinaryIO:
    if not upload.size:
        raise refused(_("This file is empty."))
    if upload.size > settings.LARGEST_ATTACHMENT_BYTES:
        sizes = {"size": f"{upload.size / 1e6:.0f}", "limit": f"{settings.LARGEST_ATTACHMENT_BYTES / 1e6:.0f}"}
        raise refused(_("This file weighs %(size)s MB; at most %(limit)s MB is taken. Save it smaller.") % sizes)
    upload.file.seek(0)
    return upload.file


def _store(attachment: Attachment, content: BinaryIO) -> None:
    """Write the file and its row, both or neither."""
    content.seek(0)
    kind = pictures.kind_of(content.read(pictures.HEAD_BYTES))
    if kind is None:
        raise refused(_("This kind of file is not taken. Send a photograph (JPEG, PNG, WebP) or a PDF."))
    attachment.media_type, attachment.file_name = kind, storage.new_name(kind)
    kept, thumbnail = _made_safe(attachment, content)
    attachment.size_bytes = len(kept)
    try:
        storage.keep(storage.attachment_path(attachment.file_name), kept)
        if thumbnail:
            storage.keep(storage.thumbnail_path(attachment.file_name), thumbnail)
        attachment.save()
    except BaseException:
        storage.forget(attachment.file_name)
        raise


def _made_safe(attachment: Attachment, content: BinaryIO) -> tuple[bytes, bytes | None]:
    """What is kept, and its thumbnail; facts of a picture go on the row."""
    if attachment.media_type == pictures.PDF:
        pictures.refuse_hidden_archive(content)
        content.seek(0)
        return content.read(), None
    picture = pictures.clean_picture(content, attachment.media_type)
    attachment.width, attachment.height = picture.width, picture.height
    attachment.had_position = picture.had_position
    return picture.content, picture.thumbnail
