"""Signatures of what workers tell each other. Pure: keys and times are handed in.

They stand in the header and are made over the body's digest and length: whoever
receives a question or an answer knows whose it is before it reads any of the body.
"""

import hashlib
import hmac
from dataclasses import dataclass

HEADER = "X-Streamproc-Signature"
MAX_SKEW_S = 60


def key_of(secret: str) -> bytes:
    """The key of the signatures; empty when there is no secret to make it from."""
    purpose = b"streamproc cluster"
    return hmac.digest(secret.encode(), purpose, "sha256") if secret else b""


def sign(key: bytes, *parts: str) -> str:
    """Signature of all parts; none can be moved into another."""
    digests = b"".join(hashlib.sha256(bytes_of(part)).digest() for part in parts)
    return hmac.new(key, digests, hashlib.sha256).hexdigest()


def bytes_of(header: str) -> bytes:
    """A header's text as it came, whatever bytes it has."""
    return header.encode(errors="surrogateescape")


@dataclass(frozen=True, slots=True)
class Announced:
    """What a header that can be believed says of the body that follows."""

    nonce: str
    length: int
    digest: str

    def is_of(self, body: bytes) -> bool:
        """Whether this is the body that was announced."""
        return _is_same(self.digest, _digest(body))


def question_header(key: bytes, url: str, body: bytes, now_s: int, nonce: str) -> str:
    """Header of a question to the worker at ``url``."""
    parts = (str(now_s), nonce, str(len(body)), _digest(body))
    return " ".join((*parts, sign(key, url, *parts)))


def read_question(key: bytes, url: str, header: str, now_s: float) -> Announced | None:
    """What was asked of the worker at ``url`` just now; None when not believed."""
    parts = header.split(" ")
    if not key or len(parts) != 5:
        return None
    stamp, nonce, length, digest, proof = parts
    if not _is_same(proof, sign(key, url, *parts[:-1])):
        return None
    is_fresh = abs(now_s - int(stamp)) <= MAX_SKEW_S
    return Announced(nonce, int(length), digest) if is_fresh else None


def answer_header(key: bytes, nonce: str, status: int, body: bytes) -> str:
    """Header of the answer to the question that had this nonce."""
    parts = (str(len(body)), _digest(body))
    return " ".join((*parts, sign(key, nonce, str(status), *parts)))


def read_answer(key: bytes, nonce: str, status: int, header: str) -> Announced | None:
    """What is answered to a question; None when it is not believed."""
    parts = header.split(" ")
    if not key or len(parts) != 3:
        return None
    length, digest, proof = parts
    if not _is_same(proof, sign(key, nonce, str(status), length, digest)):
        return None
    return Announced(nonce, int(length), digest)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _is_same(told: str, expected: str) -> bool:
    return hmac.compare_digest(bytes_of(told), expected.encode())
