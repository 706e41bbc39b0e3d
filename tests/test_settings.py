"""Where a setting's value comes from, and what it may be."""

import socket
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from streamproc.errors import SettingsError
from streamproc.rules.uptime import Rules
from streamproc.settings import Settings, env_name, load
from streamproc.settings.described import Described, describe

NAMES = [item.name for item in fields(Settings)]
DEFAULTS = {item.name: item.default for item in fields(Settings)}
MINUTE_US = 60_000_000

# (setting, as written, its value)
GOOD: list[tuple[str, str, object]] = [
    ("data_dir", "/srv/uptime", Path("/srv/uptime")),
    ("data_dir", " relative/dir ", Path("relative/dir")),
    ("broker", "", ""),
    ("broker", "sqlite:///srv/log.db", "sqlite:///srv/log.db"),
    ("broker", "kafka://a:9092,b:9092", "kafka://a:9092,b:9092"),
    ("report_dir", "", None),
    ("report_dir", "/srv/www", Path("/srv/www")),
    ("app_id", "store-uptime-2", "store-uptime-2"),
    ("topic_prefix", "test-", "test-"),
    ("partitions", "1", 1),
    ("partitions", "1024", 1024),
    ("hold", "none", None),
    ("hold", "None", None),
    ("hold", "5", 5.0),
    ("hold", "90", 90.0),
    ("hold", "7.5", 7.5),
    ("hold", "525600", 525_600.0),
    ("backfill", "on", True),
    ("backfill", "TRUE", True),
    ("backfill", "yes", True),
    ("backfill", "1", True),
    ("backfill", "off", False),
    ("backfill", "False", False),
    ("backfill", "no", False),
    ("backfill", "0", False),
    ("hourly", "off", False),
    ("polls_retention", "1", 1.0),
    ("rejected_retention", "0.01", 0.01),
    ("report_retention", "3650", 3650.0),
    ("report_timeout", "0.5", 0.5),
    ("report_tries", "1", 1),
    ("log_sync", "normal", "normal"),
    ("commit_interval", "0.05", 0.05),
    ("max_poll_records", "1000000", 1_000_000),
    ("block_cache", "8", 8),
    ("polls_memory", "0", 0),
    ("write_buffer", "64", 64),
    ("stall_timeout", "1", 1.0),
    ("log_level", "debug", "debug"),
    ("web", "on", True),
    ("web_host", "0.0.0.0", "0.0.0.0"),
    ("web_port", "65535", 65_535),
    ("web_url", "", ""),
    ("web_url", "https://uptime.example/", "https://uptime.example"),
    ("web_hosts", "uptime.example,*", "uptime.example,*"),
    ("web_token", "", ""),
    ("web_token", "0123456789abcdef", "0123456789abcdef"),
    ("web_token_file", "/run/token", Path("/run/token")),
    ("web_read_token", "on", True),
    ("web_cluster_secret", "x" * 16, "x" * 16),
    ("web_max_body", "0.5", 0.5),
    ("web_connections", "8", 8),
    ("web_reports_in_flight", "1", 1),
    ("events", "off", False),
    ("confirm", "2", 2),
    ("events_retention", "7", 7.0),
    ("webhook_url", "http://127.0.0.1:9/a?b=c", "http://127.0.0.1:9/a?b=c"),
    ("webhook_secret", "short", "short"),
    ("webhook_secret_file", "/run/secret", Path("/run/secret")),
    ("webhook_format", "slack", "slack"),
    ("webhook_where", "region=West", "region=West"),
    ("webhook_patience", "0.5", 0.5),
    ("webhook_link_local", "on", True),
    ("broker_timeout", "1", 1.0),
    ("session_timeout", "6", 6.0),
    ("standby_replicas", "1", 1),
    ("replication_factor", "3", 3),
    ("min_insync_replicas", "2", 2),
    ("sasl_mechanism", "SCRAM-SHA-256", "SCRAM-SHA-256"),
    ("sasl_username", "streamproc", "streamproc"),
    ("sasl_password", "short", "short"),
    ("sasl_password_file", "/run/password", Path("/run/password")),
    ("tls", "on", True),
    ("tls_ca", "/etc/ca.pem", Path("/etc/ca.pem")),
    ("tls_cert", "/etc/cert.pem", Path("/etc/cert.pem")),
    ("tls_key", "/etc/key.pem", Path("/etc/key.pem")),
]
GOOD_TEXT = {name: text for name, text, _ in GOOD}
SECRET_NAMES = {
    *("web_token", "web_cluster_secret", "sasl_password"),
    *("webhook_url", "webhook_secret"),
}
COMPATIBLE = {
    name: text
    for name, text in GOOD_TEXT.items()
    if name not in ("sasl_password_file", "web_token_file", "webhook_secret_file")
}
# Settings that go together.
PARTNERS = {
    "sasl_mechanism": {"sasl_username": "streamproc"},
    "sasl_username": {"sasl_mechanism": "PLAIN"},
    "tls_cert": {"tls_key": "/etc/key.pem"},
    "tls_key": {"tls_cert": "/etc/cert.pem"},
}
# (setting, as written, what the error says)
BAD = [
    ("broker", "localhost:9092", "sqlite:///|kafka://"),
    ("broker", "redis://localhost", "sqlite:///|kafka://"),
    ("broker", "/srv/log.db", "sqlite:///|kafka://"),
    ("broker", "kafka://user:pass@host:9092", "sasl_username"),
    ("broker", "kafka://[::1:9092", "IPv6"),
    ("partitions", "0", "1 to 1024"),
    ("partitions", "-4", "1 to 1024"),
    ("partitions", "1025", "1 to 1024"),
    ("partitions", "4.5", "4.5.*whole number from 1 to 1024"),
    ("partitions", "four", "four.*1 to 1024"),
    ("partitions", "", "1 to 1024"),
    ("partitions", "9" * 5_000, "1 to 1024"),
    ("hold", "4.99", "5 to 525600"),
    ("hold", "1_0", "5 to 525600"),
    ("hold", "\u0661\u0660", "5 to 525600"),
    ("hold", "0", "5 to 525600"),
    ("hold", "-60", "5 to 525600"),
    ("hold", "525601", "5 to 525600"),
    ("hold", "nan", "5 to 525600"),
    ("hold", "inf", "5 to 525600"),
    ("hold", "60m", r"60m.*5 to 525600 \(minutes\), or none"),
    ("hold", "", "5 to 525600"),
    ("backfill", "maybe", "on or off"),
    ("backfill", "", "on or off"),
    ("backfill", "2", "on or off"),
    ("hourly", "hourly", "on or off"),
    ("polls_retention", "0", "1 to 3650"),
    ("polls_retention", "forever", "forever.*1 to 3650"),
    ("data_dir", "~nobody-of-that-name/x", "a path"),
    ("rejected_retention", "0", "0.01 to 3650"),
    ("report_retention", "-1", "0.01 to 3650"),
    ("report_timeout", "0", "0.5 to 86400"),
    ("report_tries", "0", "1 to 100"),
    ("log_sync", "off", "full or normal"),
    ("log_sync", "FULL", "full or normal"),
    ("commit_interval", "0", "0.05 to 60"),
    ("max_poll_records", "0", "1 to 1000000"),
    ("block_cache", "0", "1 to 65536"),
    ("polls_memory", "-1", "0 to 1048576"),
    ("write_buffer", "4097", "1 to 4096"),
    ("stall_timeout", "nan", "1 to 86400"),
    ("log_level", "loud", "debug or info or warning or error"),
    ("log_level", "", "debug or info or warning or error"),
    ("web", "maybe", "on or off"),
    ("web_port", "0", "1 to 65535"),
    ("web_port", "65536", "1 to 65535"),
    ("web_url", "uptime.example", "http://"),
    ("web_url", "ftp://uptime.example", "http://"),
    ("web_url", "http://", "http://"),
    ("web_token", "0123456789abcde", "at least 16"),
    ("web_cluster_secret", "0123456789abcde", "at least 16"),
    ("web_max_body", "0", "0.01 to 256"),
    ("web_connections", "7", "8 to 100000"),
    ("web_reports_in_flight", "0", "1 to 100"),
    ("confirm", "0", "1 to 255"),
    ("events_retention", "0", "0.01 to 3650"),
    ("webhook_url", "alerts.example/hook", "http://"),
    ("webhook_url", "file:///etc/passwd", "http://"),
    ("webhook_url", "http:///hook", "http://"),
    ("webhook_url", "http://host:99999/", "out of range"),
    ("webhook_format", "teams", "json or slack"),
    ("webhook_where", "West", "label=value"),
    ("webhook_patience", "0", "0.01 to 720"),
    ("broker_timeout", "0", "1 to 86400"),
    ("session_timeout", "5.9", "6 to 1800"),
    ("standby_replicas", "-1", "0 to 10"),
    ("replication_factor", "-1", "0 to 100"),
    ("min_insync_replicas", "101", "0 to 100"),
    ("sasl_mechanism", "plain", "PLAIN or SCRAM"),
    ("tls", "required", "on or off"),
]
# Values that must not be shown in any message.
SECRETS = [
    ({"web_token": "hunter2"}, "hunter2"),
    ({"web_cluster_secret": "hunter2"}, "hunter2"),
    ({"sasl_password": "hunter2", "sasl_password_file": "/run/password"}, "hunter2"),
    ({"webhook_url": "hunter2"}, "hunter2"),
    ({"webhook_secret": "hunter2", "webhook_secret_file": "/run/secret"}, "hunter2"),
    ({"broker": "kafka://someone:hunter2@host:9092"}, "hunter2"),
]


def option(name: str) -> str:
    """The option of a setting, as it is written on a command line."""
    return f"--{name.replace('_', '-')}"


def test_without_anything_every_setting_has_its_default() -> None:
    """An empty environment and no options give the table's defaults."""
    assert Settings() == load({}, {}) == load(None, {})
    assert {name: getattr(load({}, {}), name) for name in NAMES} == DEFAULTS


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_setting_is_read_from_its_variable(
    name: str, text: str, value: object
) -> None:
    """STREAMPROC_ and the name in capitals; spaces around it do not count."""
    partners = {env_name(n): text for n, text in PARTNERS.get(name, {}).items()}
    for given in (text, f" {text} "):
        assert value == getattr(load({}, partners | {env_name(name): given}), name)


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_setting_is_read_from_its_option(name: str, text: str, value: object) -> None:
    """An option is written as the variable is."""
    assert value == getattr(load(PARTNERS.get(name, {}) | {name: text}, {}), name)


@pytest.mark.parametrize("row", describe(Settings()), ids=NAMES)
def test_every_default_can_be_written(row: Described) -> None:
    """A variable or option that says the default changes nothing."""
    assert row.variable == f"STREAMPROC_{row.name.upper()}"
    assert Settings() == load({}, {row.variable: row.default})
    assert Settings() == load({row.name: row.default}, {})


def test_an_option_goes_before_the_environment() -> None:
    """What is written on the command line counts."""
    environ = {"STREAMPROC_PARTITIONS": "8", "STREAMPROC_HOLD": "none"}
    settings = load({"partitions": 16, "hold": None}, environ)
    assert (settings.partitions, settings.hold) == (16, None)


def test_an_option_that_was_not_given_leaves_the_environment() -> None:
    """None means not given, for every type of setting."""
    environ = {env_name(name): text for name, text in COMPATIBLE.items()}
    options = dict.fromkeys(NAMES)
    assert load({}, environ) == load(options, environ)
    assert Settings() == load(options, {})


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("hourly", False, False),
        ("backfill", True, True),
        ("partitions", 2, 2),
        ("hold", 7.5, 7.5),
        ("data_dir", Path("/srv"), Path("/srv")),
        ("broker", "", ""),
    ],
)
def test_an_option_may_be_a_value_already(
    name: str, given: object, value: object
) -> None:
    """False, numbers and paths are options as good as text."""
    assert value == getattr(load({name: given}, {env_name(name): "1"}), name)


@pytest.mark.parametrize(("name", "text", "says"), BAD)
def test_a_wrong_variable_is_named(name: str, text: str, says: str) -> None:
    """The error names the variable and says what was expected."""
    with pytest.raises(SettingsError, match=says) as caught:
        load({}, {env_name(name): text})
    assert env_name(name) in str(caught.value)


@pytest.mark.parametrize(("name", "text", "says"), BAD)
def test_a_wrong_option_is_named(name: str, text: str, says: str) -> None:
    """The error names the option, even when the variable is right."""
    with pytest.raises(SettingsError, match=says) as caught:
        load({name: text}, {env_name(name): GOOD_TEXT[name]})
    assert option(name) in str(caught.value)


@pytest.mark.parametrize("app_id", ["", "-", "store uptime", "a/b", "a.b", "café"])
def test_the_app_id_is_letters_digits_and_dashes(app_id: str) -> None:
    """Kafka takes nothing else in the names of topics that are made of it."""
    with pytest.raises(SettingsError, match=r"app_id .* letters, digits and dashes"):
        load({"app_id": app_id}, {})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {
                "sasl_mechanism": "PLAIN",
                "sasl_username": "streamproc",
                "sasl_password": "secret",
                "sasl_password_file": "/run/password",
            },
            "sasl_password and sasl_password_file",
        ),
        ({"sasl_mechanism": "PLAIN"}, "sasl_username is not"),
        ({"sasl_username": "streamproc"}, "sasl_mechanism is not"),
        ({"tls_cert": "/etc/cert.pem"}, "tls_cert and tls_key"),
        ({"tls_key": "/etc/key.pem"}, "tls_cert and tls_key"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    options: dict[str, str], says: str
) -> None:
    """The error names both."""
    with pytest.raises(SettingsError, match=says):
        load(options, {})


@pytest.mark.parametrize(("options", "secret"), SECRETS)
def test_no_error_shows_a_secret(options: dict[str, str], secret: str) -> None:
    """A wrong value is shown, but not when it is or holds a password."""
    with pytest.raises(SettingsError) as caught:
        load(options, {})
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("STREAMPROC_HOLDS", "STREAMPROC_HOLD"),
        ("STREAMPROC_HLOD", "STREAMPROC_HOLD"),
        ("STREAMPROC_hold", "STREAMPROC_HOLD"),
        ("STREAMPROC_Hold", "STREAMPROC_HOLD"),
        ("STREAMPROC_DATADIR", "STREAMPROC_DATA_DIR"),
        ("STREAMPROC_BORKER", "STREAMPROC_BROKER"),
        ("STREAMPROC_PARTITION", "STREAMPROC_PARTITIONS"),
    ],
)
def test_a_misspelt_variable_is_refused(variable: str, meant: str) -> None:
    """A worker on another broker or hold than was meant is not what was asked for."""
    with pytest.raises(SettingsError, match=variable) as caught:
        load({}, {variable: "none"})
    assert str(caught.value).endswith(f"; did you mean {meant}?")


@pytest.mark.parametrize(
    "variable",
    [
        *("STREAMPROC_", "STREAMPROC_RULES", "STREAMPROC_SERVICE_HOST"),
        *("STREAMPROC_PORT", "STREAMPROC_PORT_6066_TCP_ADDR", "STREAMPROC_IMAGE"),
    ],
)
def test_a_variable_of_nobody_knows_what_is_warned_of(
    variable: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Kubernetes sets such; it is said, since it sets nothing here."""
    assert load({}, {variable: "none"}) == Settings()
    (said,) = caplog.messages
    assert said.startswith(f"{variable} is set, but there is no such setting")


@pytest.mark.parametrize("variable", ["HOLD", "HOME", "XSTREAMPROC_HOLD", "STREAMPROC"])
def test_other_variables_do_not_matter(variable: str) -> None:
    """Only those that begin with STREAMPROC_ are the program's."""
    assert Settings() == load({}, {variable: "nonsense"})


def test_the_environment_is_the_process_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without another one, os.environ is read."""
    monkeypatch.setenv("STREAMPROC_PARTITIONS", "3")
    assert load().partitions == 3


def test_settings_do_not_change() -> None:
    """They are made once, before anything starts."""
    with pytest.raises(FrozenInstanceError):
        Settings().hold = 5.0  # type: ignore[misc]


def test_describe_lists_every_setting_with_its_default() -> None:
    """Name, variable, value, default and help of each, in the table's order."""
    rows = describe(Settings())
    assert [row.name for row in rows] == NAMES
    assert [env_name(name) for name in NAMES] == [row.variable for row in rows]
    assert all(row.help.endswith(".") for row in rows)
    assert all(row.value == row.default for row in rows)


def test_describe_and_repr_show_no_secret() -> None:
    """A secret that is set is shown as set, not as what it is."""
    options = dict.fromkeys(SECRET_NAMES, "hunter2-and-16-more")
    options["webhook_url"] = "https://hooks.example/hunter2"
    settings = load(options, {})
    hidden = {row.name for row in describe(settings) if row.value == "********"}
    assert hidden == SECRET_NAMES
    assert "hunter2" not in repr(settings) + repr(describe(settings))


def test_describe_tells_values_from_defaults() -> None:
    """A value is shown beside the default it replaces."""
    settings = load({"hold": "none", "backfill": "on", "partitions": "8"}, {})
    shown = {row.name: (row.value, row.default) for row in describe(settings)}
    assert shown["hold"] == ("none", "60")
    assert shown["backfill"] == ("on", "off")
    assert shown["partitions"] == ("8", "4")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {n: t for n, t in COMPATIBLE.items() if n not in SECRET_NAMES},
        {"hold": "7.5", "report_dir": "/srv/www", "hourly": "off"},
        {"hold": "1234.567"},
        {"report_timeout": "3600.25", "polls_retention": "8.000001"},
    ],
)
def test_what_describe_shows_can_be_set(options: dict[str, Any]) -> None:
    """Its values are written the way they are written in the environment."""
    settings = load(options, {})
    assert settings == load({}, {row.variable: row.value for row in describe(settings)})


@pytest.mark.parametrize(
    ("options", "url", "embedded"),
    [
        ({"data_dir": "/srv/uptime"}, "sqlite:///srv/uptime/log.db", True),
        ({"broker": "sqlite:///srv/other.db"}, "sqlite:///srv/other.db", True),
        ({"broker": "kafka://a:9092,b:9092"}, "kafka://a:9092,b:9092", False),
    ],
)
def test_the_broker_is_the_embedded_log_unless_one_is_named(
    options: dict[str, str], url: str, embedded: bool
) -> None:
    """It lies in the data directory."""
    settings = load(options, {})
    assert (url, embedded) == (settings.broker_url, settings.embedded)


def test_a_relative_data_directory_has_an_absolute_url() -> None:
    """The log does not move when the process changes its directory."""
    url = load({"data_dir": "some/where"}, {}).broker_url
    assert url == f"sqlite://{Path.cwd()}/some/where/log.db"


@pytest.mark.parametrize(
    ("options", "root"),
    [
        ({"data_dir": "/srv/uptime"}, Path("/srv/uptime")),
        ({"data_dir": "/srv/uptime", "report_dir": "/srv/www"}, Path("/srv/www")),
        ({"data_dir": "here"}, Path.cwd() / "here"),
    ],
)
def test_reports_lie_in_the_data_directory_unless_one_is_named(
    options: dict[str, str], root: Path
) -> None:
    """The path is absolute."""
    assert root == load(options, {}).reports_root


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        ({}, Rules(60 * MINUTE_US, False)),
        ({"hold": "none", "backfill": "on"}, Rules(None, True)),
        ({"hold": "7.5"}, Rules(7 * MINUTE_US + MINUTE_US // 2, False)),
        ({"hold": "5"}, Rules(5 * MINUTE_US, False)),
    ],
)
def test_hold_and_backfill_are_the_rules(options: dict[str, str], rules: Rules) -> None:
    """Minutes become microseconds."""
    assert rules == load(options, {}).rules


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "http://127.0.0.1:6066"),
        ({"web_host": "::1", "web_port": "80"}, "http://[::1]:80"),
        ({"web_host": "worker-1"}, "http://worker-1:6066"),
        ({"web_host": "0.0.0.0"}, f"http://{socket.gethostname()}:6066"),
        ({"web_host": "::"}, f"http://{socket.gethostname()}:6066"),
        ({"web_host": "0.0.0.0", "web_url": "http://a:1/"}, "http://a:1"),
    ],
)
def test_a_worker_advertises_an_address_others_can_reach(
    options: dict[str, str], url: str
) -> None:
    """Listening on every network is no address, so the host's name is."""
    assert url == load(options, {}).advertised_url


def test_the_token_may_lie_in_a_file(tmp_path: Path) -> None:
    """White space around it does not count; without a file it is the setting."""
    file = tmp_path / "token"
    file.write_text("0123456789abcdef\n")
    assert load({"web_token_file": file}, {}).api_token == "0123456789abcdef"
    assert load({"web_token": "x" * 16}, {}).api_token == "x" * 16
    assert load({}, {}).api_token == ""


def test_the_webhook_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    """White space around it does not count; without a file it is the setting."""
    file = tmp_path / "secret"
    file.write_text("hush\n")
    assert load({"webhook_secret_file": file}, {}).webhook_key == "hush"
    assert load({"webhook_secret": "hush"}, {}).webhook_key == "hush"
    file.write_text(" \n")
    with pytest.raises(SettingsError, match=r"webhook_secret_file: .* is empty"):
        str(load({"webhook_secret_file": file}, {}).webhook_key)


@pytest.mark.parametrize("content", [None, b"too short", b"\xff" * 20, b"", b"\n"])
def test_a_token_file_without_a_token_is_refused(
    tmp_path: Path, content: bytes | None
) -> None:
    """Whoever names a file wants a token: there is no doing without it."""
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match="web_token_file"):
        str(load({"web_token_file": file}, {}).api_token)


def test_a_home_directory_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tilde is the user's home."""
    monkeypatch.setenv("HOME", "/home/someone")
    assert load({"data_dir": "~/uptime"}, {}).data_dir == Path("/home/someone/uptime")
