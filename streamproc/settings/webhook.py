"""Where events are posted, and how they are signed."""

from dataclasses import dataclass
from pathlib import Path

from streamproc.settings.parsing import (
    choice,
    label_filter,
    number,
    only_one,
    optional_path,
    secret_of,
    setting,
    switch,
    webhook_url,
)

FORMATS = JSON, SLACK = "json", "slack"
"""Of what is posted."""


@dataclass(frozen=True)
class Webhook:
    """Where events are posted, and how they are signed."""

    webhook_url: str = setting(
        "",
        webhook_url,
        "Where events are posted to, http or https. Empty: nowhere.",
        secret=True,
    )
    webhook_secret: str = setting(
        "",
        str,
        "What the signature of each post is made with. Empty: posts are not signed.",
        secret=True,
    )
    webhook_secret_file: Path | None = setting(
        None, optional_path, "File that holds the secret, instead of webhook_secret."
    )
    webhook_format: str = setting(
        JSON,
        choice(*FORMATS),
        "What is posted: json, a list of events; slack, a text, as Mattermost and"
        " Discord take it, too.",
    )
    webhook_where: str = setting(
        "",
        label_filter,
        "Label and value, such as region=West, of the stores whose events are posted."
        " Empty: of all.",
    )
    webhook_patience: float = setting(
        24.0,
        number(0.01, 720),
        "Hours for which a post is tried before its events are given up.",
    )
    webhook_link_local: bool = setting(
        False,
        switch,
        "Whether the webhook may be at a link-local address, where clouds tell"
        " credentials to who asks.",
    )

    def check(self) -> None:
        """Raise SettingsError unless the values fit together."""
        only_one("webhook_secret", self.webhook_secret, self.webhook_secret_file)

    @property
    def webhook_key(self) -> str:
        """The webhook's secret; empty for none. Raises SettingsError."""
        file = self.webhook_secret_file
        return secret_of("webhook_secret_file", file, str) or self.webhook_secret
