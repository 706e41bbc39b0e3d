"""A worker that does not stop in time ends all the same, and says why it stops."""

import subprocess
import sys

import pytest

NEVER_STOPS = """
import threading
from streamproc.errors import StreamprocError
from streamproc.worker.logs import set_up_logging
from streamproc.worker.process import exit_after
set_up_logging("info")
exit_after(0.05, 3, {why})
threading.Event().wait()
"""


@pytest.mark.parametrize(
    ("why", "last"),
    [
        ("StreamprocError('topic t: not allowed')", "topic t: not allowed"),
        ("None", "Not stopped within 0.05 s: exiting"),
    ],
)
def test_what_a_worker_stops_for_is_said_also_when_it_does_not_stop_in_time(
    why: str, last: str
) -> None:
    """In the last line; nobody else says it any more."""
    done = subprocess.run(
        [sys.executable, "-c", NEVER_STOPS.format(why=why)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].endswith(last)
