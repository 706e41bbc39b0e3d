"""CSV files from the page: tried first, and published when somebody says so."""

import gzip
import time
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from streamproc.web.refusal import Refusal
from streamproc.web.uploads.parts import file_name, sent_in
from tests.waiting import LIMIT_S
from tests.web.live_site import LiveSite
from tests.web.test_pages import text_of
from tests.web.test_system import signed_in

POLLS = b"""store_id,status,timestamp_utc
7,active,2025-05-06 13:00:00 UTC
7,inactive,2025-05-06 14:30:00 UTC
8,OFFLINE,2025-05-06 14:30:00 UTC
"""


def form(
    content: bytes, kind: str = "polls", name: str = "polls.csv", **fields: str
) -> bytes:
    """The body a browser sends."""
    head = "".join(
        f'--B\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{text}\r\n'
        for field, text in {"kind": kind, **fields}.items()
    )
    head += "--B\r\n"
    file = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
    head += f"{file}Content-Type: text/csv\r\n\r\n"
    return head.encode() + content + b"\r\n--B--\r\n"


def send(
    site: LiveSite, content: bytes, kind: str = "polls", name: str = "", **fields: str
) -> str:
    """Upload a file; where its page is."""
    answer = site.ask(
        "POST",
        "/upload",
        form(content, kind, name or f"{kind}.csv", **fields),
        Content_Type="multipart/form-data; boundary=B",
        Accept="text/html",
    )
    assert answer.status == 303, answer.text
    return answer.headers["Location"]


def act(site: LiveSite, path: str, do: str, **fields: str) -> int:
    """Press a button of its page."""
    body = urlencode({"do": do, **fields}).encode()
    form = "application/x-www-form-urlencoded"
    return site.ask("POST", path, body, Content_Type=form, Accept="text/html").status


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\files\\my polls.csv", "my_polls.csv"),
        ("..", "file.csv"),
        ("\x00\n.csv", "csv"),
    ],
)
def test_a_files_name_stays_in_its_directory(sent: str, kept: str) -> None:
    """Whatever the browser calls it."""
    assert file_name(sent) == kept


def test_the_parts_are_the_bytes_that_were_sent() -> None:
    """A gzip file holds any byte, line ends among them."""
    content = gzip.compress(b"\r\n--A\r\n" * 100) + b"\r\n\r\n"
    sent = sent_in("multipart/form-data; boundary=B", form(content, "hours", "h.gz"))
    assert (sent.fields["kind"], sent.name) == ("hours", "h.gz")
    assert bytes(sent.content) == content


@pytest.mark.parametrize(
    ("kind", "body"),
    [("text/csv", b"x"), ("multipart/form-data; boundary=B", b"--B\r\ncut")],
)
def test_what_is_no_form_is_refused(kind: str, body: bytes) -> None:
    """400, whatever it is."""
    with pytest.raises(Refusal):
        sent_in(kind, body)


def test_a_dry_run_publishes_nothing(start_site: Callable[..., LiveSite]) -> None:
    """What can go in is counted, what cannot is named with its line."""
    site = start_site()
    path = send(site, POLLS)
    page = reader_page(site, path)
    assert "polls.csv: 2 polls can go in. 1 row is refused." in page
    assert "4 status is OFFLINE" in page or "4 status is &#39;OFFLINE&#39;" in page
    rejects = site.get(f"{path}/rejects.csv").text
    assert rejects.splitlines()[1].startswith("4,unknown-status,")
    site.settle()
    assert site.get("/api/v1/stores/7").status == 404


def test_a_file_is_published_when_somebody_says_so(
    start_site: Callable[..., LiveSite],
) -> None:
    """Once; it is counted, and what was refused is kept by its door."""
    site = start_site()
    path = send(site, gzip.compress(POLLS))
    assert act(site, path, "publish") == 303
    deadline = time.monotonic() + LIMIT_S
    while "is published: 2 of 2" not in (page := reader_page(site, path)):
        assert time.monotonic() < deadline, page
    assert "as soon as the workers have read it" in page
    site.settle()
    assert site.get("/api/v1/stores/7").json["polls"] == 2
    assert act(site, path, "publish") == 409
    (one,) = site.get("/api/v1/rejected").json["records"]
    assert (one["door"], one["file"], one["count"]) == ("load", "polls.csv", 1)


def test_a_file_that_is_not_believed_cannot_go_in(
    start_site: Callable[..., LiveSite],
) -> None:
    """It says why; the directory it lies in here is nobody's business."""
    site = start_site()
    path = send(site, b"when,what\n1,2\n")
    page = reader_page(site, path)
    assert "polls.csv cannot go in." in page
    assert "/tmp" not in page
    assert act(site, path, "publish") == 409


def test_what_is_forgotten_is_gone(start_site: Callable[..., LiveSite]) -> None:
    """So is the oldest, when there are too many."""
    site = start_site()
    path = send(site, POLLS)
    assert act(site, path, "forget") == 303
    assert site.get(path, Accept="text/html").status == 404
    paths = [send(site, POLLS) for _ in range(5)]
    found = [site.get(path, Accept="text/html").status for path in paths]
    assert found == [404, 200, 200, 200, 200]


def test_who_is_signed_out_uploads_nothing(site: LiveSite) -> None:
    """No form on the page, and a post is turned away before it is read."""
    assert "multipart" not in site.page("/upload")
    kind = "multipart/form-data; boundary=B"
    body = form(POLLS)
    answer = site.ask("POST", "/upload", body, Authorization="", Content_Type=kind)
    assert answer.status == 401


def reader_page(site: LiveSite, path: str) -> str:
    """The words of a file's page, for a browser that is signed in."""
    answer = site.get(path, Accept="text/html", Cookie=signed_in(site))
    assert answer.status == 200
    return text_of(answer.text)
