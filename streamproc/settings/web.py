"""The pages and the API: where, for whom, how much."""

import socket
from dataclasses import dataclass
from pathlib import Path

from streamproc.settings.parsing import (
    http_url,
    integer,
    number,
    only_one,
    optional_path,
    secret_of,
    setting,
    switch,
    token_of,
)


@dataclass(frozen=True)
class Web:
    """The pages and the API: where, for whom, how much."""

    web: bool = setting(
        True, switch, "Whether this worker serves the pages and the API."
    )
    web_host: str = setting(
        "127.0.0.1", str, "Address the web listens on; 0.0.0.0 for every network."
    )
    web_port: int = setting(6066, integer(1, 65_535), "Port the web listens on.")
    web_url: str = setting(
        "",
        http_url,
        "URL at which the other workers reach this one."
        " Empty: made of web_host and web_port.",
    )
    web_hosts: str = setting(
        "",
        str,
        "Host names, with commas, under which the web may be asked besides"
        " localhost and web_host; * allows any.",
    )
    web_token: str = setting(
        "",
        token_of,
        "Bearer token required for every change, at least 16 characters."
        " Empty: each start makes one, in the file web-token of the data directory,"
        " which is good on this machine only.",
        secret=True,
    )
    web_token_file: Path | None = setting(
        None, optional_path, "File that holds the token, instead of web_token."
    )
    web_read_token: bool = setting(
        False, switch, "Whether the token is required for reading, too."
    )
    web_cluster_secret: str = setting(
        "",
        token_of,
        "Secret the workers share to ask each other, at least 16 characters."
        " Empty: derived from the token.",
        secret=True,
    )
    ready_wait: float = setting(
        600.0,
        number(0, 86_400),
        "Seconds after which a worker is ready although it still works off what waited"
        " when it started.",
    )
    state_labels: str = setting(
        "",
        str,
        "Labels, with commas, by whose values stores are counted in the metrics.",
    )
    state_label_values: int = setting(
        50,
        integer(1, 1_000),
        "Values of such a label that are counted one by one; the rarer ones together.",
    )
    web_max_body: float = setting(
        8.0, number(0.01, 256), "MiB a request's body may have."
    )
    web_connections: int = setting(
        1_000, integer(8, 100_000), "Connections open at once; more are turned away."
    )
    web_reports_in_flight: int = setting(
        4, integer(1, 100), "Reports that may run at once when asked for by the web."
    )

    def check(self) -> None:
        """Raise SettingsError unless the values fit together."""
        only_one("web_token", self.web_token, self.web_token_file)

    @property
    def advertised_url(self) -> str:
        """URL at which other workers reach this one's web."""
        host = self.web_host
        if host in ("0.0.0.0", "::", ""):
            host = socket.gethostname()
        if ":" in host:
            host = f"[{host}]"
        return self.web_url or f"http://{host}:{self.web_port}"

    @property
    def api_token(self) -> str:
        """The token that changes need; empty for none. Raises SettingsError."""
        return (
            secret_of("web_token_file", self.web_token_file, token_of) or self.web_token
        )

    @property
    def state_label_names(self) -> list[str]:
        """``state_labels`` one by one."""
        return [name for part in self.state_labels.split(",") if (name := part.strip())]
