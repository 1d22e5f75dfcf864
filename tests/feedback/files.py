"""Files that senders send, honest and hostile, made here."""

import struct
import zlib
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import ExifTags, Image

PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"


def picture(form="JPEG", *, size=(640, 480), color="darkgreen", mode="RGB", **options):
    """The bytes of a plain picture."""
    target = BytesIO()
    Image.new(mode, size, color).save(target, form, **options)
    return target.getvalue()


def photograph_with_position():
    """A photograph on its side, which says where it was taken, by whom and with what."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "Nadège Relevé"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (43.0, 36.0, 12.0), 3: "E", 4: (2.0, 18.0, 5.0)})
    return picture(exif=exif, comment=b"private words", icc_profile=b"a profile of the maker")


def image_bomb():
    """A few hundred bytes of PNG that announce 60,000 x 60,000 pixels."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def uploaded(content, name="photo.jpg", kind="image/jpeg"):
    """A file as Django hands it over."""
    return SimpleUploadedFile(name, content, kind)
