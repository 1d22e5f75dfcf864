"""Files of relevés sent through the page: kept while their cells are corrected, gone once submitted."""

import datetime
import unicodedata
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Protocol

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bioccia.errors import InvalidFieldsError, NotAllowedError
from habitats import storage
from habitats.models import ReleveDataset, ReleveUpload
from territories.models import User
from territories.permissions import require

logger = structlog.get_logger(__name__)
LARGEST_UPLOAD_BYTES = 20_000_000
KEPT_FILES = 5  # of one person; older ones were abandoned
MOST_CORRECTIONS = 2_000
LONGEST_CORRECTION = 2_000
LONGEST_NAME = 120


class SentFile(Protocol):
    """A file as Django received it."""

    name: str | None
    size: int | None

    def chunks(self) -> Iterable[bytes]:
        """Its bytes, piece by piece."""


@transaction.atomic
def keep_releve_upload(*, sent: SentFile, dataset: ReleveDataset, by: User, at: datetime.datetime) -> ReleveUpload:
    """Keep a file that a botanist sends; it is read afterwards, and nothing of it is a relevé yet.

    Args:
        sent: neither its name nor the kind it announces is believed.
        dataset: where its relevés will go.
        by: who sends it.
        at: the moment.

    Raises:
        NotAllowedError: no `survey`.
        InvalidFieldsError: empty or too large.
    """
    require(by, "survey", on=timezone.localdate(at))
    if not sent.size:
        raise _refused(_("This file is empty."))
    if sent.size > LARGEST_UPLOAD_BYTES:
        sizes = {"size": f"{sent.size / 1e6:.0f}", "limit": LARGEST_UPLOAD_BYTES // 1_000_000}
        raise _refused(
            _("This file weighs %(size)s MB; at most %(limit)s MB is taken. Cut it into several files.") % sizes
        )
    stored = storage.keep_releve_file(sent.chunks())
    upload = ReleveUpload.objects.create(
        dataset=dataset, uploaded_by=by, uploaded_at=at, shown_name=_shown_name(sent.name or ""), stored_name=stored
    )
    for older in ReleveUpload.objects.filter(uploaded_by=by)[KEPT_FILES:]:
        _forget(older)
    logger.info("releve file kept", upload=upload.pk, by=by.pk, bytes=sent.size)
    return upload


@transaction.atomic
def correct_cells(*, upload: ReleveUpload, cells: Mapping[str, str], by: User, at: datetime.datetime) -> ReleveUpload:
    """Keep the texts typed in place of wrong cells, by `ROW.FIELD`.

    Raises:
        NotAllowedError: somebody else's file.
        InvalidFieldsError: so many corrections that the file itself should be corrected.
    """
    held = _held(upload, by)
    texts = {key: text.strip()[:LONGEST_CORRECTION] for key, text in cells.items()}
    held.corrections = {**held.corrections, **texts}
    if len(held.corrections) > MOST_CORRECTIONS:
        raise InvalidFieldsError(_("So many cells are better corrected in the file itself: send it again."))
    held.save(update_fields=["corrections"])
    logger.info("cells corrected", upload=held.pk, cells=len(texts), by=by.pk, at=at.isoformat())
    return held


@transaction.atomic
def forget_releve_upload(*, upload: ReleveUpload, by: User, at: datetime.datetime) -> None:
    """Remove a file that was submitted, or abandoned.

    Raises:
        NotAllowedError: somebody else's file.
    """
    held = _held(upload, by)
    logger.info("releve file removed", upload=held.pk, by=by.pk, at=at.isoformat())
    _forget(held)


def _held(upload: ReleveUpload, by: User) -> ReleveUpload:
    held = ReleveUpload.objects.select_for_update().get(pk=upload.pk)
    if held.uploaded_by_id != by.pk:
        raise NotAllowedError(_("Only who sent a file corrects or removes it."))
    return held


def _forget(upload: ReleveUpload) -> None:
    upload.delete()
    transaction.on_commit(partial(storage.forget_releve_file, upload.stored_name))


def _shown_name(name: str) -> str:
    """The sender's name of a file as text that is safe to show: no folder, no control character."""
    last = name.replace("\\", "/").rpartition("/")[2]
    text = "".join(sign for sign in last if not unicodedata.category(sign).startswith(("C", "Zl", "Zp"))).strip(". ")
    return text[-LONGEST_NAME:] or _("unnamed")


def _refused(sentence: str) -> InvalidFieldsError:
    return InvalidFieldsError(sentence, fields={"file": sentence})
