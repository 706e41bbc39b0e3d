"""The worker's own token, where none is configured: for the commands of this machine.

Made anew by each start and kept in a file of the data directory that only its owner
reads. Pages open with what is made from it, in a link: the token itself never stands
in an address.
"""

import hmac
import ipaddress
import os
import secrets
from pathlib import Path

from streamproc.settings import Settings

FILE = "web-token"
OPEN_PATH = "/open"
_TOKEN_BYTES = 32


def make() -> str:
    """A new token."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def write(settings: Settings, token: str) -> None:
    """Put the token into its file.

    Nothing that stands there is followed or added to: it is replaced.
    """
    path = settings.data_dir / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{FILE}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(unfinished, flags, 0o600), "w", encoding="ascii") as file:
        file.write(token + "\n")
    os.replace(unfinished, path)


def remove(settings: Settings) -> None:
    """Leave no old token where another one is configured."""
    (settings.data_dir / FILE).unlink(missing_ok=True)


def read(data_dir: Path) -> str:
    """The token of the worker that runs on this data directory."""
    return (data_dir / FILE).read_text("ascii").strip()


def link_key(token: str) -> str:
    """What stands in the link that opens the pages."""
    return hmac.digest(token.encode(), b"streamproc link", "sha256").hex()


def link(settings: Settings) -> str:
    """Where to open the pages in a browser of this machine, with all rights if may be.

    A worker with a configured token, or on an address of another network, has only
    its plain address: there one signs in.
    """
    if settings.api_token or not _is_on_loopback(settings.web_host):
        return settings.advertised_url
    base = f"http://127.0.0.1:{settings.web_port}"
    return f"{base}{OPEN_PATH}?key={link_key(read(settings.data_dir))}"


def _is_on_loopback(host: str) -> bool:
    """Whether 127.0.0.1 reaches a server that listens there."""
    if host in ("localhost", "0.0.0.0", ""):
        return True
    try:
        return ipaddress.ip_address(host) == ipaddress.ip_address("127.0.0.1")
    except ValueError:
        return False
