"""What a file really is, told by its content: the name and the type that came with it prove nothing.

Only types that a browser shows without running anything are taken. SVG, HTML and programs are refused under any name.
"""

import io
import re
import unicodedata
import zipfile
from pathlib import PurePosixPath

from savdo.base.errors import Invalid
from savdo.channels.models import MediaKind

OFFICE = "application/vnd.openxmlformats-officedocument."
# The first extension of a type is the one a nameless file gets.
EXTENSIONS: dict[str, tuple[str, ...]] = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "audio/ogg": (".ogg", ".oga", ".opus"),
    "audio/mpeg": (".mp3",),
    "audio/mp4": (".m4a", ".mp4"),
    "audio/webm": (".webm", ".weba"),
    "audio/aac": (".aac",),
    "audio/wav": (".wav",),
    "video/mp4": (".mp4", ".m4v"),
    "video/quicktime": (".mov",),
    "video/webm": (".webm",),
    "application/pdf": (".pdf",),
    f"{OFFICE}wordprocessingml.document": (".docx",),
    f"{OFFICE}spreadsheetml.sheet": (".xlsx",),
    f"{OFFICE}presentationml.presentation": (".pptx",),
    "application/vnd.oasis.opendocument.text": (".odt",),
    "application/vnd.oasis.opendocument.spreadsheet": (".ods",),
    "text/csv": (".csv", ".tsv"),
    "text/plain": (".txt", ".md", ".log"),
}
STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"ID3", "audio/mpeg"),
)
MARKUP = re.compile(r"<(?:!doctype|\?xml|html|svg|head|body|script|iframe|object|embed|meta|link|style)\b", re.IGNORECASE)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
# A packed office file that unpacks to more than this is not a document.
UNPACKED = 500_000_000
ENTRIES = 10_000
LONGEST_NAME = 120


class TypeRefused(Invalid):
    """Files of this type are not taken; send a picture, a sound, a video, or a PDF, Word, Excel or text file."""

    status = 415
    code = "type_refused"


class EmptyFile(Invalid):
    """This file is empty."""

    code = "empty_file"


def detect(content: bytes, name: str) -> str:
    """The MIME type of a file. `name` only tells a table from a text. Raises TypeRefused, EmptyFile."""
    if not content:
        raise EmptyFile
    found = _begins(content) or _sound(content) or _movie(content) or _document(content) or _text(content, name)
    if found is None:
        raise TypeRefused
    return found


def image(content: bytes) -> str:
    """The MIME type of a picture, "" of everything else."""
    found = _begins(content)
    return found if found and kind_of(found) == "image" else ""


def kind_of(mime: str) -> MediaKind:
    family = mime.partition("/")[0]
    return "image" if family == "image" else "voice" if family == "audio" else "video" if family == "video" else "file"


def safe_name(name: str, mime: str) -> str:
    """A name to show and to save under: no path, no control or direction marks, at most 120 characters, and an extension
    of its real type, so that a picture called page.html is not opened as a page."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    shown = "".join(one for one in last if unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
    shown = " ".join(re.sub(r'[<>:"|?*]', "_", shown).split()).strip(". ")
    right = EXTENSIONS[mime]
    suffix = PurePosixPath(shown).suffix
    if suffix.lower() in right:
        return shown[: -len(suffix)][: LONGEST_NAME - len(suffix)] + suffix
    return (shown[: LONGEST_NAME - len(right[0])] or "file") + right[0]


def _begins(content: bytes) -> str | None:
    for start, mime in STARTS:
        if content.startswith(start):
            return mime
    return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(content[8:12]) if content[:4] == b"RIFF" else None


def _sound(content: bytes) -> str | None:
    if content.startswith(b"OggS"):
        return "audio/ogg" if any(mark in content[:512] for mark in (b"OpusHead", b"\x01vorbis", b"Speex", b"fLaC")) else None
    # A frame of MPEG layer III: sync, version, layer, bitrate and sampling rate must all be possible.
    if len(content) > 3 and content[0] == 0xFF and content[1] & 0xE6 == 0xE2 and content[1] & 0x18 != 0x08:
        return "audio/mpeg" if content[2] >> 4 not in (0, 15) and content[2] & 0x0C != 0x0C else None
    # A frame of AAC: sync, the layer that is always 0, and a possible sampling rate.
    if len(content) > 6 and content[0] == 0xFF and content[1] & 0xF6 == 0xF0 and content[2] >> 2 & 0x0F < 13:
        return "audio/aac"
    return None


def _movie(content: bytes) -> str | None:
    if content.startswith(b"\x1a\x45\xdf\xa3") and b"webm" in content[:64]:
        return "video/webm" if re.search(rb"V_(?:VP8|VP9|AV1)", content[:65536]) else "audio/webm"
    if content[4:8] != b"ftyp":
        return None
    brand = content[8:12]
    if brand in (b"M4A ", b"M4B ", b"M4P "):
        return "audio/mp4"
    if brand == b"qt  ":
        return "video/quicktime"
    if brand not in (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"MSNV", b"dash", b"mmp4"):
        return None
    # Recorders write sound alone into the same container.
    has_picture = re.search(rb"hdlr.{8}vide", content, re.DOTALL) is not None
    has_sound = re.search(rb"hdlr.{8}soun", content, re.DOTALL) is not None
    return "audio/mp4" if has_sound and not has_picture else "video/mp4"


def _document(content: bytes) -> str | None:
    if content[:1024].lstrip().startswith(b"%PDF-"):
        return "application/pdf"
    if not content.startswith(b"PK\x03\x04"):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            mimetype = archive.read("mimetype").decode("ascii", "replace") if _is_small(archive, "mimetype") else ""
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError):
        return None
    if len(entries) > ENTRIES or sum(entry.file_size for entry in entries) > UNPACKED:
        raise TypeRefused("This file unpacks to far more than a document; it is not taken.")
    if any("vbaproject" in name.lower() for name in names):
        raise TypeRefused("This document holds macros, which are programs; save it without them.")
    if mimetype in EXTENSIONS:
        return mimetype
    if "[Content_Types].xml" not in names:
        return None
    parts = {"word/document.xml": "wordprocessingml.document", "xl/workbook.xml": "spreadsheetml.sheet"}
    parts["ppt/presentation.xml"] = "presentationml.presentation"
    return next((OFFICE + kind for part, kind in parts.items() if part in names), None)


def _is_small(archive: zipfile.ZipFile, name: str) -> bool:
    return name in archive.namelist() and archive.getinfo(name).file_size < 100


def _text(content: bytes, name: str) -> str | None:
    text = _decoded(content)
    if text is None or text.startswith("#!") or (text.lstrip("\ufeff \t\r\n").startswith("<") and MARKUP.search(text[:4096])):
        return None
    return "text/csv" if name.lower().endswith((".csv", ".tsv")) else "text/plain"


def _decoded(content: bytes) -> str | None:
    encodings = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8", "cp1251")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if CONTROL.search(text) else text
    return None
