"""How the webhook goes, asked of the worker that posts."""

from dataclasses import asdict
from typing import Any

import orjson

from streamproc.program import Program
from streamproc.web.cluster.calls import Call
from streamproc.web.webhook.answers import (
    LostEvent,
    WebhookAnswer,
    WebhookPost,
    webhook_answer,
)

TABLE = "announced"


def _webhook(program: Program, args: dict[str, Any]) -> WebhookAnswer:
    return webhook_answer(program.settings, program.webhook.status)


def _encode(told: WebhookAnswer) -> bytes:
    return orjson.dumps(asdict(told))


def _decode(value: bytes) -> WebhookAnswer:
    told = orjson.loads(value)
    lost = [LostEvent(**one) for one in told.pop("lost")]
    recent = [WebhookPost(**one) for one in told.pop("recent")]
    return WebhookAnswer(**told, recent=recent, lost=lost)


WEBHOOK = Call(
    "webhook",
    _webhook,
    table=TABLE,
    encode=_encode,
    decode=_decode,
    quick=lambda args: True,
)
