"""Questions to other workers, over HTTP: signed, and their answers checked."""

import secrets
import time
from typing import Any

import aiohttp
import orjson

from streamproc.errors import ReportFailedError
from streamproc.web.cluster import signing
from streamproc.web.refusal import moving

PATH = "/_cluster/call"
ANSWER_TIMEOUT_S = 10.0


class Post:
    """Asks other workers; ``key``: of the signatures, empty when there is no secret."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let go of the connections."""
        if self._http is not None:
            await self._http.close()

    async def send(self, url: str, question: dict[str, Any]) -> bytes:
        """Send a signed question to another worker; return its checked answer."""
        if not self._key:
            raise moving(
                f"the answer is with the worker at {url}, and the workers share no"
                " secret: set web_cluster_secret (or web_token) on all of them."
            )
        body, nonce = orjson.dumps(question), secrets.token_hex(16)
        now_s = int(time.time())
        header = signing.question_header(self._key, url, body, now_s, nonce)
        try:
            async with self._session().post(
                url + PATH,
                data=body,
                headers={signing.HEADER: header},
                allow_redirects=False,
            ) as response:
                return await self._believed(url, nonce, response)
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise moving(f"the worker at {url} does not answer{_why(exc)}.") from exc

    async def _believed(
        self, url: str, nonce: str, response: aiohttp.ClientResponse
    ) -> bytes:
        """An answer's body; of a stranger's, nothing is read."""
        header = response.headers.get(signing.HEADER, "")
        told = signing.read_answer(self._key, nonce, response.status, header)
        if told is None:
            raise moving(f"the worker at {url} cannot answer ({response.status}).")
        answer = bytearray()
        async for chunk in response.content.iter_any():
            answer += chunk
            if len(answer) > told.length:
                break
        if not told.is_of(bytes(answer)):
            raise moving(f"the answer of the worker at {url} was cut or changed.")
        if response.status != 200:
            raise ReportFailedError(answer.decode(errors="replace"))
        return bytes(answer)

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._http


def _why(exc: BaseException) -> str:
    """Why a worker does not answer, as far as that helps."""
    if isinstance(exc, aiohttp.ClientConnectorError):
        return ", nothing listens there"
    if isinstance(exc, TimeoutError):
        return f" within {ANSWER_TIMEOUT_S:g} s"
    return f": {exc}"
