"""Signatures of what workers tell each other. Pure: keys and times are handed in."""

import hashlib
import hmac


def key_of(secret: str) -> bytes:
    """The key of the signatures; empty when there is no secret to make it from."""
    purpose = b"streamproc cluster"
    return hmac.digest(secret.encode(), purpose, "sha256") if secret else b""


def digest(body: bytes) -> bytes:
    """What stands for a body in the signature, so that it can be checked before."""
    return hashlib.sha256(body).hexdigest().encode()


def sign(key: bytes, *parts: bytes) -> str:
    """Signature of all parts; none can be moved into another."""
    digests = b"".join(hashlib.sha256(part).digest() for part in parts)
    return hmac.new(key, digests, hashlib.sha256).hexdigest()
