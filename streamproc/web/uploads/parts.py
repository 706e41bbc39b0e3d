"""The fields and the file of a form that was sent as multipart/form-data. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aiohttp.multipart import content_disposition_filename, parse_content_disposition

from streamproc.web.refusal import bad

MOST_PARTS = 20
_BOUNDARY = re.compile(r'boundary="?([^";,\s]{1,70})"?')
_DISPOSITION = re.compile(rb"content-disposition:\s*(.*)", re.IGNORECASE)
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form holds; ``name``: of its file, fit for a directory.

    ``content``: a view of the body, so a large file is in memory once.
    """

    fields: Mapping[str, str]
    name: str
    content: memoryview


def sent_in(content_type: str, body: bytes) -> Sent:
    """The parts of a body; raises a 400 Refusal where they are none."""
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise bad("bad-form", "Expected a form with a file (multipart/form-data).")
    fields: dict[str, str] = {}
    name, content = "", memoryview(b"")
    for count, part in enumerate(_parts(body, b"--" + match[1].encode()), 1):
        if count > MOST_PARTS:
            raise bad("bad-form", "The form has too many fields.")
        head, value = part
        field, file = _told(head)
        if file is None:
            fields[field] = bytes(value).decode(errors="replace")
        else:
            name, content = file_name(file), value
    if not fields and not name:
        raise bad("bad-form", "The form is cut off.")
    return Sent(fields, name, content)


def _parts(body: bytes, mark: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Header and value of each part between two marks; the value is no copy."""
    view, end = memoryview(body), b"\r\n" + mark
    begin = 0 if body.startswith(mark) else body.find(end) + len(end) - len(mark)
    while (stop := body.find(end, begin + len(mark))) >= 0:
        cut = body.find(b"\r\n\r\n", begin, stop)
        cut = stop if cut < 0 else cut
        yield body[begin + len(mark) : cut], view[min(cut + 4, stop) : stop]
        begin = stop + 2


def _told(head: bytes) -> tuple[str, str | None]:
    """The field's name, and the file's, of what has one."""
    match = _DISPOSITION.search(head)
    line = b"" if match is None else match[1].strip()
    _, told = parse_content_disposition(line.decode(errors="replace"))
    return told.get("name", ""), content_disposition_filename(told)


def file_name(text: str) -> str:
    """A name that stays in the directory it is put into."""
    last = text.replace("\\", "/").rpartition("/")[2]
    return _ODD.sub("_", last).strip("._")[-80:] or "file.csv"
