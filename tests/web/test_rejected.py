"""Refused records are shown safely, whatever a program has written into their topic."""

import asyncio
from collections.abc import Callable

from streamproc.transport.connect import connect
from tests.web.live_site import LiveSite

RECORDS = 60
LARGE = 200_000
MOST_BYTES = 400_000
"""Of a page of sixty records, each with all that is shown of it."""

ESCAPES = "\x1b]0;owned\x07\x1b[2J‮"


def write(site: LiveSite) -> None:
    """Write large records, as any program may, straight into the topic."""

    async def publish() -> None:
        client = await connect(site.settings)
        text = (ESCAPES + "m" * LARGE).encode()
        names = ("reason", "message", "topic", "partition", "offset", "file", "key")
        headers = [(name, text) for name in names]
        count = RECORDS
        try:
            await client.publish(
                site.program.topics.rejected,
                [b"%d" % number for number in range(count)],
                [text] * count,
                dict.fromkeys(range(count), headers),
            )
        finally:
            await client.close()

    asyncio.run(publish())


def test_large_records_make_a_small_page_and_a_small_answer(
    start_site: Callable[..., LiveSite],
) -> None:
    """Sixty of almost a megabyte made a page of 108 MB: each field is clipped."""
    site = start_site()
    write(site)
    page = site.get("/rejected", Accept="text/html")
    assert page.status == 200
    assert page.text.count("<tr><td>") == RECORDS
    assert len(page.body) < MOST_BYTES
    answer = site.get("/api/v1/rejected")
    assert len(answer.body) < MOST_BYTES
    assert len(answer.json["records"]) == RECORDS
    assert "…" in answer.json["records"][0]["message"]


def test_no_character_that_does_something_is_shown(
    start_site: Callable[..., LiveSite],
) -> None:
    """Escape sequences and turned-round text are written out, in every field."""
    site = start_site()
    write(site)
    shown = site.get("/rejected", Accept="text/html").text
    told = "".join(
        str(member)
        for record in site.get("/api/v1/rejected").json["records"]
        for member in record.values()
    )
    for text in (shown, told):
        assert not set(ESCAPES) & set(text) & {"\x1b", "\x07", "‮"}
    assert "\\x1b]0;owned" in told
