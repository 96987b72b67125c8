"""Why a file is not read. The docstring is what its owner sees, so it says what to do."""

from savdo.base.errors import Invalid, TooLarge


class Refused(Invalid):
    """This file could not be read. Save it again as PDF, Word, Excel, CSV or text and upload that."""

    code = "file_refused"


class Protected(Refused):
    """This file is protected by a password. Save it without one and upload it again."""

    code = "file_protected"


class Broken(Refused):
    """This file is damaged and cannot be opened. Open it on your computer, save it again and upload the new file."""

    code = "file_broken"


class Empty(Refused):
    """There is no text in this file."""

    code = "file_empty"


class Scanned(Refused):
    """This file holds pictures of pages and no text. Upload the original document, or one with recognised text."""

    code = "file_scanned"


class UnknownKind(Refused):
    """This kind of file cannot be read. Upload PDF, Word (.docx), Excel (.xlsx), CSV, HTML, Markdown, text or a picture."""

    code = "file_unknown_kind"


class LargePicture(Refused):
    """This picture is larger than 5 MB, which not every channel takes. Save it smaller and upload it again."""

    code = "file_picture_large"


class OldOffice(Refused):
    """This is a file of an old Word or Excel. Save it as .docx or .xlsx and upload it again."""

    code = "file_old_office"


class Unsafe(Refused):
    """This file is built like an attack: it would unpack to far more than its size, or pulls in other files. It was not opened."""

    code = "file_unsafe"


class TooManyPages(Refused):
    """This document has more than 1,000 pages. Split it, and upload the parts that customers ask about."""

    code = "file_too_many_pages"


class TooManyRows(Refused):
    """This table has more than 20,000 rows. Leave out what customers do not ask about, or split it into several files."""

    code = "file_too_many_rows"


class TooMuchText(Refused):
    """There is too much text in this file (more than 20,000 passages). Split it, and upload the parts that customers ask about."""

    code = "file_too_much_text"


class TookTooLong(Refused):
    """Reading this file took too long, so it was stopped. Save it in a simpler form (text, CSV or a new PDF) and upload that."""

    code = "file_took_too_long"


class TooLargeFile(TooLarge):
    """This file is larger than allowed. Split it, or leave out the pictures."""

    code = "file_too_large"


REFUSALS: dict[str, type[Refused]] = {
    refusal.__name__: refusal
    for refusal in (
        Refused, Protected, Broken, Empty, Scanned, UnknownKind, OldOffice, LargePicture, Unsafe, TooManyPages, TooManyRows, TooMuchText,
        TookTooLong,
    )
}  # fmt: skip
