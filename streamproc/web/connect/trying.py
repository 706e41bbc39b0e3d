"""A poll from the page, to see that the way in works."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from streamproc.rules.timestamp import timestamp_text


@dataclass(frozen=True, slots=True)
class Tried:
    """What was tried by the form, and what came of it; ``sent``: not only checked."""

    store_id: str
    status: str
    when: str
    sent: bool
    accepted: bool
    partition: int
    message: str


def poll_in(form: Mapping[str, str], now_us: int) -> bytes:
    """The poll that a form's fields stand for; no time stands for now."""
    poll = {
        "store_id": form.get("store_id", "").strip(),
        "status": form.get("status", ""),
        "timestamp_utc": form.get("when", "").strip() or timestamp_text(now_us),
    }
    return orjson.dumps(poll)
