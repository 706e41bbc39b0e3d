"""What the broker refuses a request of the web: a clear answer, no fault of ours."""

import logging
from typing import Any

import pytest
from aiohttp import web

from streamproc.errors import AccessDeniedError, RecordTooLargeError, TopicMissingError
from streamproc.web.middleware import _caught
from streamproc.web.refusal import Refusal


async def raising(exc: Exception) -> web.StreamResponse:
    """An answer that the broker does not let come about."""
    raise exc


@pytest.mark.parametrize(
    ("exc", "status", "code"),
    [
        (AccessDeniedError("topic polls: not let in"), 503, "broker"),
        (TopicMissingError("topic polls is missing"), 503, "broker"),
        (RecordTooLargeError("the record is too large"), 413, "too-large"),
    ],
)
async def test_what_the_broker_refuses_is_no_fault_of_ours(
    exc: Exception, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """503 or 413, and a line in the log without a traceback."""
    request: Any = None
    with pytest.raises(Refusal) as refused:
        await _caught(request, raising(exc))
    assert (refused.value.status, refused.value.code) == (status, code)
    assert all(record.exc_info is None for record in caplog.records)
    said = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert said == ([str(exc)] if status == 503 else [])
