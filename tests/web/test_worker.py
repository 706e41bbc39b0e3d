"""The web of a worker process: its port, and its end."""

import http.client
import signal
import time
from collections.abc import Callable

from tests.system.harness import STOP_S, WorkerProcess
from tests.waiting import LIMIT_S
from tests.web.live_site import LiveSite, free_port


def test_a_taken_port_is_named_and_ends_the_worker(
    site: LiveSite, start_worker: Callable[..., WorkerProcess]
) -> None:
    """Exit code 1 and one line that says what to set: no worker without its web."""
    worker = start_worker("--web", "--web-port", site.port)
    assert worker.exit_code() == 1
    assert f"cannot listen on 127.0.0.1:{site.port}" in worker.text()
    assert "Set web_port" in worker.text()


def test_a_second_worker_on_the_same_directory_leaves_the_first_ones_token(
    start_site: Callable[..., LiveSite], start_worker: Callable[..., WorkerProcess]
) -> None:
    """Started by mistake, it finds the port taken; the first goes on being opened."""
    first = start_site()
    before = first.own_token
    second = start_worker("--web", "--web-port", first.port, data_dir=first.root)
    assert second.exit_code() == 1
    assert first.own_token == before


def test_a_worker_stops_although_somebody_follows_live(
    start_worker: Callable[..., WorkerProcess],
) -> None:
    """Readers of live updates are let go; the stop stays within its bound."""
    port = free_port()
    worker = start_worker("--web", "--web-port", port).ready()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    connection.request("GET", "/live")
    response = connection.getresponse()
    assert response.readline() == b"retry: 3000\n"
    began = time.monotonic()
    assert worker.end(signal.SIGTERM) == 0
    assert time.monotonic() - began < STOP_S
    connection.close()
