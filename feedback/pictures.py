"""What a sender gives as a picture, made safe: recognised by content, bounded, rewritten without its metadata."""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _
from PIL import ExifTags, Image, ImageOps

from bioccia.errors import InvalidFieldsError

PDF = "application/pdf"
HEAD_BYTES = 16
THUMBNAIL_PX = 480
QUALITY = 88
# The end of a PDF, and of an archive that would hide behind it.
PDF_END, ARCHIVE_END = b"%%EOF", b"PK\x05\x06"
PDF_TAIL_BYTES = 66_000
_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
# What Pillow raises on spoilt files, format by format.
_SPOILT = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
)
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class CleanPicture:
    """A picture rewritten by us.

    Attributes:
        content: the file, in the format it came in.
        thumbnail: JPEG, THUMBNAIL_PX at most.
        width: in pixels, upright.
        height: in pixels, upright.
        had_position: whether the file said where it was taken.
    """

    content: bytes
    thumbnail: bytes
    width: int
    height: int
    had_position: bool


def kind_of(head: bytes) -> str | None:
    """The kind of file that the first bytes show, among those we take; names and headers are not asked.

    Args:
        head: the first HEAD_BYTES bytes.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return PDF if head.startswith(b"%PDF-") else None


def refuse_hidden_archive(stream: BinaryIO) -> None:
    """Raise InvalidFieldsError where a PDF is cut short or carries something else behind its end."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - PDF_TAIL_BYTES))
    tail = stream.read()
    body, end, rest = tail.rpartition(PDF_END)
    if not end or rest.strip() or ARCHIVE_END in body:
        raise refused(_("This PDF is cut short, or carries another file. Print it to PDF again, and send that."))


def clean_picture(stream: BinaryIO, media_type: str) -> CleanPicture:
    """Decode a picture within bounds and write it again, upright, without metadata.

    Args:
        stream: the file as received.
        media_type: as `kind_of` found it.

    Raises:
        InvalidFieldsError: it is too large once decoded, or cannot be read.
    """
    try:
        return _rewritten(stream, _FORMATS[media_type])
    except _BOMBS as error:
        raise _too_many_pixels() from error
    except _SPOILT as error:
        raise refused(_("This picture cannot be read: it is spoilt or cut short. Take or save it again.")) from error


def _rewritten(stream: BinaryIO, form: str) -> CleanPicture:
    picture, had_position = _pixels_of(stream, form)
    return CleanPicture(_bytes_of(picture, form), _thumbnail_of(picture), *picture.size, had_position)


def _pixels_of(stream: BinaryIO, form: str) -> tuple[Image.Image, bool]:
    """The picture upright, in an image of our own, and whether the file said where it was taken.

    What was decoded ends here: a large picture is not held more than twice.
    """
    stream.seek(0)
    with Image.open(stream, formats=[form]) as source:
        if source.width * source.height > settings.LARGEST_PICTURE_PIXELS:
            raise Image.DecompressionBombError
        had_position = _says_where(source)
        ImageOps.exif_transpose(source, in_place=True)
        picture = source.convert("RGBA" if form != "JPEG" and source.has_transparency_data else "RGB")
    # A new image holds pixels only: profile, EXIF, XMP and comments stay behind.
    picture.info = {}
    return picture, had_position


def _says_where(source: Image.Image) -> bool:
    position = source.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    words = source.info.get("xmp") or source.info.get("XML:com.adobe.xmp") or b""
    words = words.encode(errors="replace") if isinstance(words, str) else words
    return bool(position) or b"GPSL" in words


def _bytes_of(picture: Image.Image, form: str) -> bytes:
    target = BytesIO()
    picture.save(target, form, **({} if form == "PNG" else {"quality": QUALITY}))
    return target.getvalue()


def _thumbnail_of(picture: Image.Image) -> bytes:
    small = picture.reduce(max(1, max(picture.size) // (2 * THUMBNAIL_PX)))
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    flat = Image.new("RGB", small.size, "white")
    flat.paste(small, mask=small if small.mode == "RGBA" else None)
    return _bytes_of(flat, "JPEG")


def refused(sentence: str) -> InvalidFieldsError:
    """The error of a file, on the field every form and the API name `file`."""
    return InvalidFieldsError(sentence, fields={"file": sentence})


def _too_many_pixels() -> InvalidFieldsError:
    limit = {"limit": settings.LARGEST_PICTURE_PIXELS // 1_000_000}
    return refused(
        _("This picture has more than %(limit)s million pixels, or says so. Save it smaller, and send that.") % limit
    )
