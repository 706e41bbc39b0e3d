"""A dry run that is refused leads to the field that answers it; no file is hostile."""

import asyncio
import codecs
import gzip
import io
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from streamproc.errors import InvalidInput, OptionNeededError
from streamproc.loading.choices import OPTIONS, in_command, needs, on_page
from streamproc.loading.options import Reading
from streamproc.loading.reading import reading_of
from streamproc.rules.schedule import WEEKDAYS
from streamproc.web.uploads import kept
from streamproc.web.uploads.kept import Uploads
from streamproc.web.uploads.parts import Sent
from streamproc.web.uploads.upload import PUBLISHING
from tests.waiting import LIMIT_S
from tests.web.live_site import LiveSite
from tests.web.test_system import signed_in
from tests.web.test_uploads import POLLS, act, reader_page, send

HOURS = b"store_id,dayOfWeek,start_time_local,end_time_local\n"
WEEK = HOURS + b"".join(b"7,%d,09:00,17:00\n" % day for day in range(1, 8))
ZONES = b"store_id,timezone_str\n"
BROKEN = ZONES + b"7,UTC\n8,Mars/Base\n"
CUT = ZONES + b"".join(b"1481966498820%02d0000,UTC\n" % n for n in range(9))
WORDS = b"store_id,status,timestamp_utc\n" + b"".join(
    b"7,%s,2025-05-06 1%d:00:00 UTC\n" % (word, n)
    for n, word in enumerate((b"on", b"off", b"on"))
)
LATE = POLLS + b"9,active,25/01/2023\n" * 3
"""Four of six rows cannot be read; most because of their times."""


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_stated_once_and_called_at_each_door(option: str) -> None:
    """A command's option, a page's field: neither speaks of the other's."""
    exc = needs(option, lambda say: f"say {say(option, 'x')}")
    assert str(exc) == f"say {OPTIONS[option].flag} x"
    assert exc.tell(on_page) == f"say “{OPTIONS[option].label}”: x"
    assert hasattr(Reading(), option)
    assert "--" not in on_page(option) + OPTIONS[option].label + OPTIONS[option].hint


def test_texts_of_a_form_say_how_a_file_is_read() -> None:
    """Empty ones are the defaults; what a field does not take is said of that field."""
    assert reading_of({"names": "", "weekdays": " ", "force": ""}) == Reading()
    found = reading_of({"names": "Store ID=shop", "max_refused": "0.8", "force": "yes"})
    assert (found.names, found.max_refused, found.force) == (
        *({"store_id": "shop"}, 0.8),
        True,
    )
    for name, text in (
        *(("names", "shop"), ("names", "shop=id"), ("words", "on=open")),
        *(("weekdays", "2-8"), ("max_refused", "2"), ("max_refused", "nan")),
    ):
        with pytest.raises(OptionNeededError) as caught:
            reading_of({name: text})
        assert caught.value.option == name
        assert str(caught.value).startswith(f"{in_command(name)}: ")
        assert isinstance(caught.value.__cause__, InvalidInput)


@pytest.mark.parametrize(
    ("kind", "content", "option", "value", "answer"),
    [
        ("hours", WEEK, "weekdays", "", "1-7"),
        ("zones", BROKEN, "skip_refused", "", "yes"),
        ("zones", CUT, "force", "", "yes"),
        ("polls", WORDS, "words", "", "on=active,off=inactive"),
        ("polls", LATE, "max_refused", "", "0.9"),
        ("polls", POLLS.replace(b"store_id", b"shop"), "names", "store_id=shop", None),
        ("hours", b"shop,day,from,to\n7,0,9:00,17:00\n", "names", "", "x=y"),
        ("polls", WEEK.replace(b"7,7", b"7,0"), "kind", "hours", None),
    ],
)
def test_a_refusal_on_the_page_leads_to_the_field_that_answers_it(
    start_site: Callable[..., LiveSite],
    kind: str,
    content: bytes,
    option: str,
    value: str,
    answer: str | None,
) -> None:
    """Prefilled where it is sure; the file is read again, not chosen again."""
    site = start_site()
    path = send(site, content, kind)
    page = site.get(path, Accept="text/html", Cookie=signed_in(site)).text
    why = re.search(r'id="why".*', page)
    assert why is not None
    assert "cannot go in" in why[0]
    assert "--" not in why[0]
    assert '<a href="#answer">' in why[0]
    field = re.search(rf'<(?:input|select)[^>]*name="{option}" id="answer"[^>]*>', page)
    assert field is not None, page
    if option == "kind":
        assert '<option value="hours" selected>' in page
    elif value:
        assert f'value="{value}"' in field[0]
    if answer == "x=y":
        assert act(site, path, "again", kind=kind, names=answer) == 303
        assert "Your names of columns”: &#39;x&#39; is no column" in reader_html(
            site, path
        )
        answer = "store_id=shop,start_time_local=from,end_time_local=to"
    fields = {"kind": kind, option: answer or value}
    assert act(site, path, "again", **fields) == 303
    assert "can go in" in reader_page(site, path)


def test_every_way_to_count_weekdays_can_be_chosen(site: LiveSite) -> None:
    """On the page as with the command; the first is what is taken unsaid."""
    page = reader_html(site, "/upload")
    offered = re.findall(r'<option value="(\d-\d[^"]*)">', page)
    assert ["0-6", *offered] == list(WEEKDAYS)


def reader_html(site: LiveSite, path: str) -> str:
    """A file's page, for a browser that is signed in."""
    return site.get(path, Accept="text/html", Cookie=signed_in(site)).text


def test_options_go_with_the_file_at_once(start_site: Callable[..., LiveSite]) -> None:
    """As with the command; what is published is read in the same way."""
    site = start_site()
    path = send(site, WORDS, words="on=active,off=inactive")
    assert "polls.csv: 3 polls can go in." in reader_page(site, path)
    assert act(site, path, "publish") == 303
    deadline = time.monotonic() + LIMIT_S
    while "is published: 3 of 3" not in (page := reader_page(site, path)):
        assert time.monotonic() < deadline, page
    site.settle()
    assert site.get("/api/v1/stores/7").json["polls"] == 3
    assert act(site, path, "again", kind="polls") == 409


def zipped(content: bytes) -> bytes:
    """A ZIP file, as a workbook is one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("xl/workbook.xml", content)
    return packed.getvalue()


HOSTILE = {
    "nothing but blanks": (b"  \n \n", "is empty; expected a header"),
    "one line of a megabyte": (b"x" * (1 << 20), "line 1: no header but"),
    "a long line among rows": (POLLS + b"y" * (1 << 20), "2 polls can go in. 2 rows"),
    "another kind": (WEEK, "no column status"),
    "UTF-16": (codecs.BOM_UTF16_LE + POLLS.decode().encode("utf-16-le"), "2 polls"),
    "UTF-16 cut off": (
        codecs.BOM_UTF16_LE + POLLS.decode().encode("utf-16-le")[:-1],
        "not UTF-16, as its byte order mark says",
    ),
    "an export of Excel": (
        codecs.BOM_UTF8 + POLLS.replace(b",", b";").replace(b"\n", b"\r\n"),
        "2 polls can go in",
    ),
    "Latin-1": (POLLS.replace(b"8,", b"caf\xe9,"), "line 4: not UTF-8 text"),
    "a workbook": (zipped(POLLS), "a ZIP file or an Excel workbook; save it as CSV"),
    "packed": (gzip.compress(POLLS), "2 polls can go in"),
    "packed and cut off": (gzip.compress(POLLS)[:-9], "is it complete?"),
    "a column twice": (
        POLLS.replace(b"status", b"status,Status", 1),
        "line 1: two columns are status",
    ),
    "a bomb": (gzip.compress(bytes(300 << 20), 1), "unpacks to over"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_no_file_is_more_than_the_page_can_take(
    what: str, start_site: Callable[..., LiveSite]
) -> None:
    """It says which file, where, and what to do; the next one is taken as ever."""
    content, told = HOSTILE[what]
    site = start_site()
    page = reader_page(site, send(site, content))
    assert told in page, page
    assert "polls.csv" in page
    assert str(site.root) not in page
    assert "2 polls can go in" in reader_page(site, send(site, POLLS))


def test_files_are_kept_for_a_while_and_what_a_killed_worker_left_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one that is being published; whoever touches one keeps it."""
    monkeypatch.setattr(kept, "KEPT_S", 0.05)
    left = tmp_path / kept.DIRECTORY / "left"
    left.mkdir(parents=True)

    ended = asyncio.Event()

    class Watched(Uploads):
        def _expire(self, token: str) -> None:
            super()._expire(token)
            ended.set()

    async def walk() -> None:
        uploads = Watched(tmp_path, 100)
        assert not left.exists()
        one = uploads.add(Sent({}, "a.csv", memoryview(b"x")), "polls", "")
        two = uploads.add(Sent({}, "b.csv", memoryview(b"y")), "polls", "")
        two.state = PUBLISHING
        await ended.wait()
        assert not one.directory.exists()
        assert uploads.find(two.token) is two
        assert two.path.read_bytes() == b"y"
        uploads.close()
        assert not two.directory.exists()

    asyncio.run(asyncio.wait_for(walk(), LIMIT_S))
