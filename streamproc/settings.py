"""The program's settings: one frozen dataclass, one table of names and help.

A value comes from a command's option, else from the environment
(``STREAMPROC_`` and the name in capitals), else from its default. A wrong one
raises SettingsError before anything starts.
"""

import logging
import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from streamproc.errors import InvalidInput, SettingsError, did_you_mean, plain, shown
from streamproc.rules.history import KEPT_DAYS
from streamproc.rules.labels import parse_where
from streamproc.rules.units import MINUTE_US
from streamproc.rules.uptime import Rules

ENV_PREFIX = "STREAMPROC_"
MIN_HOLD_MINUTES = 5
MIN_TOKEN = 16
SECRET = "********"
_MISSPELT = 0.75
"""Likeness from which on a variable is a misspelt setting: HLOD is to HOLD."""

_WHOLE = re.compile(r"[+-]?\d{1,9}", re.ASCII)

log = logging.getLogger(__name__)


def _number(minimum: float, maximum: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not minimum <= value <= maximum:
            raise ValueError(f"expected {minimum:.15g} to {maximum:.15g}")
        return value

    return parse


def _integer(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        # Python reads digits of any length only up to a limit of its own.
        value = int(text) if _WHOLE.fullmatch(text) else None
        if value is None or not minimum <= value <= maximum:
            raise ValueError(f"expected a whole number from {minimum} to {maximum}")
        return value

    return parse


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError("expected " + " or ".join(choices))
        return text

    return parse


def _switch(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError("expected on or off")


def _hold(text: str) -> float | None:
    """Minutes, or None for ``none``: until the next poll."""
    if text.lower() == "none":
        return None
    try:
        return _number(MIN_HOLD_MINUTES, 525_600)(text)
    except ValueError as exc:
        raise ValueError(f"{exc} (minutes), or none") from exc


def _target(text: str) -> float | None:
    """Percent, or None for an empty one or ``none``."""
    if text.lower() in ("", "none"):
        return None
    target = _number(0, 100)(text)
    if not target:
        raise ValueError("expected percent above 0, or none")
    return target


def _clock(text: str) -> str:
    """A time of day, ``HH:MM``."""
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text, re.ASCII):
        raise ValueError("expected HH:MM, from 00:00 to 23:59")
    return text


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as exc:
        raise ValueError("expected a path; that user has no home directory") from exc


def _optional_path(text: str) -> Path | None:
    return _path(text) if text else None


def _topic_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{0,100}", text):
        raise ValueError("expected letters, digits, dots, dashes and underscores")
    return text


def _broker(text: str) -> str:
    if text and urlsplit(text).scheme not in ("sqlite", "kafka"):
        raise ValueError("expected sqlite:///path/log.db or kafka://host:9092")
    if "@" in urlsplit(text).netloc:
        raise ValueError("user and password have settings of their own: sasl_username")
    return text


def _url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.netloc):
        raise ValueError("expected http://host:port")
    return text.rstrip("/")


def _webhook_url(text: str) -> str:
    parts = urlsplit(text)
    usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    if text and not usable:
        raise ValueError("expected http://host/path or https://host/path")
    return text


def _where(text: str) -> str:
    try:
        if text:
            parse_where(text)
    except InvalidInput as exc:
        raise ValueError("expected label=value, such as region=West") from exc
    return text


def _token(text: str) -> str:
    if text and len(text) < MIN_TOKEN:
        raise ValueError(f"expected at least {MIN_TOKEN} characters")
    return text


def setting(default: Any, parse: Callable[[str], Any], help: str, **meta: Any) -> Any:
    """A field of Settings: its default, how to read it, what it is for."""
    return field(
        default=default,
        repr=not meta.get("secret"),
        metadata={"parse": parse, "help": help, **meta},
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. See ``docs/operations.md``."""

    data_dir: Path = setting(
        Path("data"), _path, "Directory of the log, the tables and the reports."
    )
    broker: str = setting(
        "",
        _broker,
        "Where the topics live: sqlite:///path/log.db or kafka://host:9092,host2:9092."
        " Empty: the embedded log in the data directory.",
    )
    report_dir: Path | None = setting(
        None,
        _optional_path,
        "Directory of combined_report.csv and reports/. Empty: the data directory.",
    )
    app_id: str = setting(
        "store-uptime",
        str,
        "Name of the consumer group, and prefix of internal topics.",
    )
    topic_prefix: str = setting(
        "",
        _topic_name,
        "Put before the name of every topic, to share one Kafka cluster.",
    )
    partitions: int = setting(
        4, _integer(1, 1024), "Partitions of the input topics; fixed once created."
    )
    hold: float | None = setting(
        60.0,
        _hold,
        "Minutes a poll's status holds at most, or none: until the next poll.",
    )
    backfill: bool = setting(
        False, _switch, "Whether a store's first poll also covers the time before it."
    )
    bridge: float = setting(
        10.0,
        _number(0, 1440),
        "Minutes of business time without data that an incident goes on through.",
    )
    target: float | None = setting(
        None,
        _target,
        "Uptime wanted of every store in a calendar month, in percent, or none; a"
        " store's own goes before it.",
    )
    events: bool = setting(
        True, _switch, "Whether it is told when a store's state changes."
    )
    confirm: int = setting(
        1,
        _integer(1, 255),
        "Inactive polls in a row after which a store is told to be down.",
    )
    day_starts: str = setting(
        "00:00",
        _clock,
        "Time of day, on the store's clock, at which a date begins in periods.",
    )
    hourly: bool = setting(
        True, _switch, "Whether a report is written every full hour."
    )
    monthly: bool = setting(
        True,
        _switch,
        "Whether a month's report is written when it is over in every store's zone.",
    )
    history_days: int = setting(
        400,
        _integer(KEPT_DAYS, 36_500),
        "Days, back from the newest poll, for which polls are kept, in whole months.",
    )
    polls_retention: float = setting(
        float(KEPT_DAYS), _number(1, 3650), "Days that polls stay in their topic."
    )
    rejected_retention: float = setting(
        30.0, _number(0.01, 3650), "Days that rejected records stay in their topic."
    )
    events_retention: float = setting(
        30.0, _number(0.01, 3650), "Days that events stay in their topic."
    )
    report_retention: float = setting(
        7.0, _number(0.01, 3650), "Days that report files are kept."
    )
    report_timeout: float = setting(
        60.0,
        _number(0.5, 86_400),
        "Seconds without progress after which a report's missing parts are asked"
        " for again.",
    )
    report_tries: int = setting(
        5, _integer(1, 100), "Times that is tried before the report is Failed."
    )
    log_sync: str = setting(
        "full",
        _choice("full", "normal"),
        "Embedded log: full survives power loss, normal the death of a process.",
    )
    commit_interval: float = setting(
        2.0, _number(0.05, 60), "Seconds between commits of consumed offsets."
    )
    max_poll_records: int = setting(
        50_000, _integer(1, 1_000_000), "Records fetched at once from a partition."
    )
    polls_memory: int = setting(
        256,
        _integer(0, 1_048_576),
        "MiB of polls at hand that are kept in memory for reports and pages; 0: none.",
    )
    block_cache: int = setting(
        32, _integer(1, 65_536), "MiB of RocksDB block cache per table and partition."
    )
    write_buffer: int = setting(
        8, _integer(1, 4_096), "MiB of RocksDB write buffer per table and partition."
    )
    stall_timeout: float = setting(
        300.0,
        _number(1, 86_400),
        "Seconds without progress, with work waiting, after which a worker exits so"
        " that its supervisor restarts it.",
    )
    web: bool = setting(
        True, _switch, "Whether this worker serves the pages and the API."
    )
    web_host: str = setting(
        "127.0.0.1", str, "Address the web listens on; 0.0.0.0 for every network."
    )
    web_port: int = setting(6066, _integer(1, 65_535), "Port the web listens on.")
    web_url: str = setting(
        "",
        _url,
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
        _token,
        "Bearer token required for every change, at least 16 characters."
        " Empty: each start makes one, in the file web-token of the data directory,"
        " which is good on this machine only.",
        secret=True,
    )
    web_token_file: Path | None = setting(
        None, _optional_path, "File that holds the token, instead of web_token."
    )
    web_read_token: bool = setting(
        False, _switch, "Whether the token is required for reading, too."
    )
    web_cluster_secret: str = setting(
        "",
        _token,
        "Secret the workers share to ask each other, at least 16 characters."
        " Empty: derived from the token.",
        secret=True,
    )
    ready_wait: float = setting(
        600.0,
        _number(0, 86_400),
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
        _integer(1, 1_000),
        "Values of such a label that are counted one by one; the rarer ones together.",
    )
    web_max_body: float = setting(
        8.0, _number(0.01, 256), "MiB a request's body may have."
    )
    web_connections: int = setting(
        1_000, _integer(8, 100_000), "Connections open at once; more are turned away."
    )
    web_reports_in_flight: int = setting(
        4, _integer(1, 100), "Reports that may run at once when asked for by the web."
    )
    webhook_url: str = setting(
        "",
        _webhook_url,
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
        None, _optional_path, "File that holds the secret, instead of webhook_secret."
    )
    webhook_format: str = setting(
        "json",
        _choice("json", "slack"),
        "What is posted: json, a list of events; slack, a text, as Mattermost and"
        " Discord take it, too.",
    )
    webhook_where: str = setting(
        "",
        _where,
        "Label and value, such as region=West, of the stores whose events are posted."
        " Empty: of all.",
    )
    webhook_patience: float = setting(
        24.0,
        _number(0.01, 720),
        "Hours for which a post is tried before its events are given up.",
    )
    webhook_link_local: bool = setting(
        False,
        _switch,
        "Whether the webhook may be at a link-local address, where clouds tell"
        " credentials to who asks.",
    )
    broker_timeout: float = setting(
        60.0,
        _number(1, 86_400),
        "Kafka: seconds an absent broker is waited for before giving up.",
    )
    session_timeout: float = setting(
        10.0,
        _number(6, 1_800),
        "Kafka: seconds without a sign of life after which a worker's partitions go"
        " to the others.",
    )
    isolation_level: str = setting(
        "read_committed",
        _choice("read_committed", "read_uncommitted"),
        "Kafka: whether what a producer took back, by aborting its transaction, is left"
        " out (read_committed) or read all the same.",
    )
    standby_replicas: int = setting(
        0,
        _integer(0, 10),
        "Kafka: workers that keep a warm copy of each table partition, beside its"
        " owner.",
    )
    replication_factor: int = setting(
        0,
        _integer(0, 100),
        "Kafka: copies of each topic that is created; 0: the broker's default.",
    )
    min_insync_replicas: int = setting(
        0,
        _integer(0, 100),
        "Kafka: copies that must have a record before it counts as written; 0: the"
        " broker's default.",
    )
    sasl_mechanism: str = setting(
        "",
        _choice("", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
        "Kafka: how to log in. Empty: no user name.",
    )
    sasl_username: str = setting("", str, "Kafka: user name.")
    sasl_password: str = setting("", str, "Kafka: password.", secret=True)
    sasl_password_file: Path | None = setting(
        None, _optional_path, "Kafka: file that holds the password."
    )
    tls: bool = setting(
        False, _switch, "Kafka: encrypt; on as well when a tls_ file is given."
    )
    tls_ca: Path | None = setting(
        None,
        _optional_path,
        "Kafka: PEM file of the authorities to trust. Empty: the system's.",
    )
    tls_cert: Path | None = setting(
        None, _optional_path, "Kafka: PEM file of the client's certificate."
    )
    tls_key: Path | None = setting(
        None, _optional_path, "Kafka: PEM file of the certificate's key."
    )
    log_level: str = setting(
        "info", _choice("debug", "info", "warning", "error"), "What is logged."
    )

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", self.app_id):
            raise SettingsError(
                f"app_id is {shown(self.app_id)}, expected letters, digits and dashes"
            )
        if self.sasl_password and self.sasl_password_file:
            raise SettingsError("sasl_password and sasl_password_file are both set")
        if self.sasl_mechanism and not self.sasl_username:
            raise SettingsError("sasl_mechanism is set, but sasl_username is not")
        if self.sasl_username and not self.sasl_mechanism:
            raise SettingsError("sasl_username is set, but sasl_mechanism is not")
        if self.web_token and self.web_token_file:
            raise SettingsError("web_token and web_token_file are both set")
        if self.webhook_secret and self.webhook_secret_file:
            raise SettingsError("webhook_secret and webhook_secret_file are both set")
        if bool(self.tls_cert) != bool(self.tls_key):
            raise SettingsError("tls_cert and tls_key go together")

    @property
    def broker_url(self) -> str:
        """The broker, with the default filled in."""
        return self.broker or f"sqlite://{self.data_dir.absolute()}/log.db"

    @property
    def embedded(self) -> bool:
        """Whether the broker is the embedded log."""
        return self.broker_url.startswith("sqlite:")

    @property
    def reports_root(self) -> Path:
        """Directory of combined_report.csv and reports/."""
        return (self.report_dir or self.data_dir).absolute()

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
        return _secret("web_token_file", self.web_token_file, _token) or self.web_token

    @property
    def webhook_key(self) -> str:
        """The webhook's secret; empty for none. Raises SettingsError."""
        file = self.webhook_secret_file
        return _secret("webhook_secret_file", file, str) or self.webhook_secret

    @property
    def rules(self) -> Rules:
        """How long a poll speaks."""
        hold_us = None if self.hold is None else round(self.hold * MINUTE_US)
        return Rules(hold_us, self.backfill)

    @property
    def state_label_names(self) -> list[str]:
        """``state_labels`` one by one."""
        return [name for part in self.state_labels.split(",") if (name := part.strip())]

    @property
    def bridge_us(self) -> int:
        """``bridge`` in microseconds."""
        return round(self.bridge * MINUTE_US)

    @property
    def day_starts_s(self) -> int:
        """``day_starts`` in seconds after midnight."""
        hours, minutes = self.day_starts.split(":")
        return int(hours) * 3_600 + int(minutes) * 60


def _secret(name: str, file: Path | None, parse: Callable[[str], str]) -> str:
    """What a file of a secret holds; empty without a file. Raises SettingsError."""
    if file is None:
        return ""
    try:
        secret = parse(file.read_text("utf-8").strip())
    except (OSError, ValueError) as exc:
        raise SettingsError(f"{name}: {exc}") from exc
    if not secret:
        raise SettingsError(f"{name}: {file} is empty")
    return secret


def env_name(name: str) -> str:
    """Environment variable of a setting."""
    return ENV_PREFIX + name.upper()


def load(
    options: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Build the settings from options (None means not given) and environment.

    Raises SettingsError that names the option or variable.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    known = {item.name: item for item in fields(Settings)}
    for name, item in known.items():
        given = (options or {}).get(name)
        source = f"--{name.replace('_', '-')}"
        if given is None and env_name(name) in environ:
            given, source = environ[env_name(name)], env_name(name)
        if given is None:
            continue
        try:
            values[name] = item.metadata["parse"](str(given).strip())
        except ValueError as exc:
            # A broker's URL may carry a password although it must not.
            hidden = item.metadata.get("secret") or "@" in str(given)
            value = SECRET if hidden else given
            raise SettingsError(f"{source} is {shown(value)}: {exc}") from exc
    _look_at_unknown(environ, known)
    return Settings(**values)


def _look_at_unknown(environ: Mapping[str, str], known: Iterable[str]) -> None:
    """A misspelt variable must not be passed over in silence.

    One that is near to a setting is an error. Others are a warning: where a service
    is called streamproc, Kubernetes sets variables that begin like ours.
    """
    names = {name.upper() for name in known}
    for variable in environ:
        name = variable.removeprefix(ENV_PREFIX)
        if not variable.startswith(ENV_PREFIX) or name in names:
            continue
        said = f"{plain(variable)} is set, but there is no such setting"
        if hint := did_you_mean(name.upper(), names, _MISSPELT):
            raise SettingsError(said + hint.replace("mean ", f"mean {ENV_PREFIX}"))
        log.warning("%s; see: streamproc settings", said)


@dataclass(frozen=True, slots=True)
class Described:
    """One row of ``streamproc settings``."""

    name: str
    variable: str
    value: str
    default: str
    help: str


def describe(settings: Settings) -> list[Described]:
    """Every setting with its value, default and help; secrets are not shown."""
    rows = []
    for item in fields(Settings):
        value = getattr(settings, item.name)
        hidden = item.metadata.get("secret") and value
        rows.append(
            Described(
                item.name,
                env_name(item.name),
                SECRET if hidden else as_text(item.name, value),
                as_text(item.name, item.default),
                item.metadata["help"],
            )
        )
    return rows


MARKDOWN_HEAD = "| setting | default | |\n| --- | --- | --- |"


def markdown_row(row: Described) -> str:
    """A setting's row in ``docs/operations.md``."""
    default = f"`{row.default}`" if row.default else ""
    return f"| `{row.variable}` | {default} | {row.help} |"


def as_text(name: str, value: Any) -> str:
    """A value the way it is written in the environment."""
    if value is None:
        return "none" if name == "hold" else ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value)
