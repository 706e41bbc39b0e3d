"""One call of the webhook: a post, and what came of it."""

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType

import aiohttp
from yarl import URL

from streamproc.errors import WebhookAddressError
from streamproc.settings import Settings
from streamproc.webhook.addresses import GuardedResolver, check_host
from streamproc.webhook.posts import Told, body_of, headers_of

TIMEOUT_S = 10.0

TOO_LARGE = 413


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a post.

    ``status``: of the answer, None without one. ``error``: why it is not delivered,
    None when it is. ``wait_s``: how long the receiver asks to be left alone.
    ``took_s``: how long the call took.
    """

    status: int | None
    error: str | None = None
    wait_s: float = 0.0
    took_s: float = 0.0

    @property
    def delivered(self) -> bool:
        """Whether the receiver has taken it."""
        return self.error is None


class Caller:
    """Posts events to the URL of the settings; to be used as ``async with``."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.time,
        timeout_s: float | None = None,
    ) -> None:
        self._url = URL(settings.webhook_url)
        self._secret = settings.webhook_key
        self._form = settings.webhook_format
        self._may_be_link_local = settings.webhook_link_local
        self._clock = clock
        self._timeout_s = TIMEOUT_S if timeout_s is None else timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Caller":
        resolver = None if self._may_be_link_local else GuardedResolver()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._session is not None  # it was entered
        await self._session.close()

    async def post(self, events: Sequence[Told]) -> Outcome:
        """Post events once; redirects are not followed, an answer's body is not read.

        No error tells the URL: whoever knows it may post there.
        """
        begun_s = time.monotonic()
        outcome = await self._outcome(events)
        return replace(outcome, took_s=time.monotonic() - begun_s)

    async def _outcome(self, events: Sequence[Told]) -> Outcome:
        body = body_of(events, self._form)
        headers = headers_of(body, self._secret, int(self._clock()))
        try:
            check_host(self._url.host or "", self._may_be_link_local)
            return await self._post(body, headers)
        except TimeoutError:
            return Outcome(None, f"no answer within {self._timeout_s:g} s")
        except WebhookAddressError as exc:
            return Outcome(None, str(exc))
        except aiohttp.ClientConnectorError as exc:
            return Outcome(
                None, f"cannot connect: {exc.os_error.strerror or 'refused'}"
            )
        except aiohttp.ClientError as exc:
            return Outcome(None, f"no answer: {type(exc).__name__}")

    async def _post(self, body: bytes, headers: dict[str, str]) -> Outcome:
        assert self._session is not None  # it was entered
        async with self._session.post(
            self._url, data=io.BytesIO(body), headers=headers, allow_redirects=False
        ) as response:
            if 200 <= response.status < 300:
                return Outcome(response.status)
            wait_s = _wait_s(response.headers.get("Retry-After", ""))
            return Outcome(response.status, f"answered {response.status}", wait_s)


def _wait_s(header: str) -> float:
    """Seconds of a Retry-After; a date, or anything else, is none."""
    fine = header.isascii() and header.isdigit() and len(header) < 7
    return float(header) if fine else 0.0
