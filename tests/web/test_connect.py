"""Connect: addresses that are right, lines that work when pasted, what came in last."""

import ast
import html
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest

from streamproc import settings
from streamproc.clock import wall_clock_us
from streamproc.web.connect.address import own_address, token_in_python, token_in_shell
from streamproc.web.connect.examples import kafka_examples, python_http
from tests.web.live_site import NOW_US, LiveSite
from tests.web.test_pages import text_of

FORM = {"Content_Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
PRE = re.compile(r"<pre>(.*?)</pre>", re.DOTALL)


def code_on(page: str) -> list[str]:
    """The blocks of code of a page, as they are copied."""
    return [html.unescape(found) for found in PRE.findall(page)]


def address(host: str, **options: Any) -> str:
    """What a page calls the server for a reader who calls it ``host``."""
    request: Any = SimpleNamespace(headers={"Host": host})
    return own_address(request, settings.load(options, {}))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:6066", "http://127.0.0.1:6066"),
        ("Uptime.Internal.", "http://uptime.internal"),
        ("[::1]:6066", "http://[::1]:6066"),
        ("localhost:1';reboot;'", "http://127.0.0.1:6066"),
    ],
)
def test_the_address_is_the_one_the_reader_uses(host: str, expected: str) -> None:
    """Name and port of the Host header, never anything else that stands in it."""
    assert address(host) == expected


def test_the_set_address_goes_before_the_readers() -> None:
    """Behind a proxy only web_url knows it; where any Host is taken, none is told."""
    url = "https://uptime.example"
    assert address("10.0.0.1:80", web_url=url) == url
    assert address("evil.example", web_hosts="*") == "http://127.0.0.1:6066"


def test_a_configured_token_stands_on_no_page(
    start_site: Callable[..., LiveSite],
) -> None:
    """The line names the variable; the worker's own token is read from its file."""
    token = "a-token-of-some-length"
    site = start_site(web_token=token)
    page = site.page("/connect")
    assert token not in page
    assert "Bearer $STREAMPROC_WEB_TOKEN" in code_on(page)[0]
    own = settings.load({"data_dir": Path("/a b")}, {})
    assert token_in_shell(own) == "$(cat '/a b/web-token')"


@pytest.mark.parametrize("path", ["/connect", "/"])
def test_the_curl_line_works_when_pasted(
    start_site: Callable[..., LiveSite], path: str
) -> None:
    """A shell runs it as it stands; the poll is accepted and shown as received."""
    site = start_site()
    site.program.now_us = wall_clock_us
    (line, *_) = code_on(site.page(path))
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, check=True, text=True, timeout=120
    )
    assert done.stdout == '{"accepted":1,"rejected":[]}'
    site.settle()
    text = text_of(site.page("/connect"))
    assert re.search(r"Last received.* 1001 up HTTP", text)


@pytest.mark.parametrize("token", ["", "a-token-of-some-length"])
def test_the_python_example_by_http_works(
    start_site: Callable[..., LiveSite], token: str
) -> None:
    """Run as it stands; a token that was configured is in the variable it names."""
    site = start_site(**({"web_token": token} if token else {}))
    site.program.now_us = wall_clock_us
    code = next(one for one in code_on(site.page("/connect")) if "urllib" in one)
    assert code == python_http(site.url, token_in_python(site.settings))
    assert len(code.splitlines()) == 10
    done = subprocess.run(
        ["python3", "-c", code],
        env={"STREAMPROC_WEB_TOKEN": token} if token else {},
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.startswith("200 ")


def test_kafka_examples_have_the_brokers_and_the_topic() -> None:
    """Quoted for Python, Java and the shell; ten lines and no more."""
    examples = kafka_examples('k:9092,"l', "store-polls")
    python, java, kcat = (one.text for one in examples)
    ast.parse(python)
    assert r'"k:9092,\"l"' in python
    assert r'"k:9092,\"l"' in java
    assert """'k:9092,"l'""" in kcat
    assert "murmur2" in kcat  # librdkafka's default places keys elsewhere
    assert max(len(one.text.splitlines()) for one in examples) <= 10


def send(site: LiveSite, **fields: str) -> tuple[int, str]:
    """Post the try-it form; the status and the words of the answer."""
    answer = site.ask("POST", "/connect", urlencode(fields).encode(), **FORM)
    return answer.status, html.unescape(text_of(answer.text))


def test_checking_sends_nothing(start_site: Callable[..., LiveSite]) -> None:
    """It says what would come of it, by the rules of every door."""
    site = start_site()
    status, text = send(site, store_id="7", status="active", do="check")
    assert status == 200
    assert "Would be accepted" in text
    status, text = send(site, store_id="7", status="OFFLINE", do="check")
    assert status == 422
    assert "Refused: status is 'OFFLINE', expected active or inactive." in text
    assert "No poll has come in yet" in text_of(site.page("/connect"))
    assert site.get("/api/v1/rejected").json["kept"] == 0


def test_a_poll_sent_from_the_page_is_counted(
    start_site: Callable[..., LiveSite],
) -> None:
    """Accepted means durable; a time that is left out is now."""
    site = start_site()
    assert "No store is known yet" in text_of(site.page("/"))
    status, text = send(site, store_id=" 7 ", status="inactive", when="")
    assert status == 200
    assert "Accepted , durable in partition" in text
    site.program.now_us = lambda: NOW_US + 1  # a poll speaks from its time on
    site.settle()
    assert site.get("/api/v1/stores/7").json["last_status"] == "inactive"
    assert "No store is known yet" not in text_of(site.page("/"))


def test_what_was_refused_last_is_told_by_door(
    start_site: Callable[..., LiveSite],
) -> None:
    """A topic's and the gateway's stand apart; a door without any says so."""
    site = start_site()
    site.publish(site.program.topics.polls, [("x", b'{"store_id": "x"}')])
    site.settle()
    send(site, store_id="y", status="gone")
    text = html.unescape(text_of(site.page("/connect")))
    refused = text.split("Last refused")[-1]
    assert re.search(r"Topic status is missing", refused)
    assert "HTTP status is 'gone'" in refused
    assert "CSV file nothing was refused" in refused


def test_another_site_sends_no_poll_from_this_page(site: LiveSite) -> None:
    """The form is a change: token or session, and never on behalf of others."""
    body = urlencode({"store_id": "7", "status": "active"}).encode()
    answer = site.ask("POST", "/connect", body, Authorization="", **FORM)
    assert answer.status == 401


def test_who_is_not_signed_in_sees_no_form(site: LiveSite) -> None:
    """A way to sign in stands where the form would be."""
    page = site.page("/connect")
    assert 'action="/connect' not in page
    assert "Sign in to send a poll from here." in text_of(page)
