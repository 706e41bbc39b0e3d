"""Settings as the page shows them: no secret, and no address that is one."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from streamproc.settings import Settings
from streamproc.settings.described import describe


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting; ``changed``: it has not its default."""

    name: str
    value: str
    default: str
    help: str
    changed: bool


def shown(settings: Settings) -> list[Shown]:
    """Every setting, in the order of the documents."""
    return [
        Shown(
            row.name,
            _without_path(row.value) if row.name.endswith("_url") else row.value,
            row.default,
            row.help,
            row.value != row.default,
        )
        for row in describe(settings)
    ]


def _without_path(url: str) -> str:
    """Where an address leads, without what may be a secret in it: a webhook's is."""
    parts = urlsplit(url)
    rest = "/…" if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{rest}" if url else ""
