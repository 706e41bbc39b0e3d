"""Clusters that want to know who is there."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest

from streamproc.errors import SettingsError
from streamproc.settings import load
from streamproc.settings.described import describe
from streamproc.topics import topics_for
from streamproc.transport.kafka.security import connection
from tests.kafka import fleet
from tests.kafka.broker import Cluster
from tests.kafka.fleet import Fleet
from tests.kafka.workers import Worker

PASSWORD = "swordfish"


def options(broker: Cluster, mechanism: str, folder: Path) -> dict[str, Any]:
    """Settings to log in with a password from a file."""
    security = broker.security
    assert security is not None
    secret = folder / "password"
    secret.write_text(security.password + "\n")
    return {
        "broker": f"kafka://{broker.bootstrap}",
        "sasl_mechanism": mechanism,
        "sasl_username": security.user,
        "sasl_password_file": secret,
        "tls_ca": security.ca_path,
        "hourly": "off",
        "monthly": "off",
        "web": "off",
        "log_level": "debug",
        **own(),
    }


def own() -> dict[str, str]:
    """A group and topics of the worker's own."""
    unique = uuid.uuid4().hex[:8]
    return {"app_id": f"test-{unique}", "topic_prefix": f"test-{unique}-"}


async def run(settings: dict[str, Any], folder: Path, servers: str) -> Worker:
    """Run the main job once; return the worker, which has ended."""
    one, polls = Worker(folder, settings), Fleet(stores=20)
    topic = topics_for(one.settings).polls
    await fleet.publish(one.settings, topic, *polls.make(500))
    one.start()
    try:
        await asyncio.to_thread(one.ready)
        plain = load({**one.options, "broker": f"kafka://{servers}"}, {})
        await fleet.caught_up(plain)
        one.stop()
    finally:
        one.kill()
    return one


@pytest.mark.slow
async def test_a_worker_logs_in(secured: Cluster, tmp_path: Path) -> None:
    """SASL_SSL with PLAIN and SCRAM, and no password in a debug log."""
    servers = secured.addresses("PLAINTEXT")
    for mechanism in ("PLAIN", "SCRAM-SHA-512"):
        folder = tmp_path / mechanism
        one = await run(options(secured, mechanism, tmp_path), folder, servers)
        assert secured.security is not None
        assert secured.security.password not in one.log.read_text()


async def test_a_worker_shows_its_certificate(secured: Cluster, tmp_path: Path) -> None:
    """Mutual TLS."""
    security = secured.security
    assert security is not None
    given = {
        **own(),
        "broker": f"kafka://{secured.addresses('SSL')}",
        "tls_ca": security.ca_path,
        "tls_cert": security.client_cert_path,
        "tls_key": security.client_key_path,
        "hourly": "off",
        "monthly": "off",
        "web": "off",
    }
    await run(given, tmp_path / "worker", secured.addresses("PLAINTEXT"))


async def test_a_wrong_password_ends_the_worker_and_is_not_told(
    secured: Cluster, tmp_path: Path
) -> None:
    """After broker_timeout, with a non-zero exit."""
    given = options(secured, "PLAIN", tmp_path)
    given |= {"sasl_password_file": "", "sasl_password": PASSWORD, "broker_timeout": 10}
    one = Worker(tmp_path / "worker", given)
    one.start()
    try:
        assert await asyncio.to_thread(one.ended) == 1
    finally:
        one.kill()
    assert "no broker lets us in: 127.0.0.1" in one.said.splitlines()[-1]
    assert "SaslAuthenticationFailed" in one.said.splitlines()[-1]
    assert PASSWORD not in one.said


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"tls_ca": "/nowhere/ca.pem"}, "tls_ca: /nowhere/ca.pem"),
        ({"tls_cert": "/nowhere/c", "tls_key": "/nowhere/k"}, "tls_cert, tls_key"),
        (
            {
                "sasl_mechanism": "PLAIN",
                "sasl_username": "u",
                "sasl_password_file": "/nowhere/p",
            },
            "sasl_password_file: /nowhere/p",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_named(given: dict[str, str], named: str) -> None:
    """Before anything is connected."""
    with pytest.raises(SettingsError, match=named):
        connection(load({"broker": "kafka://127.0.0.1:1", **given}, {}))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sasl_mechanism": "PLAIN"}, "sasl_username is not"),
        ({"sasl_username": "u"}, "sasl_mechanism is not"),
        ({"tls_cert": "c"}, "go together"),
        ({"sasl_password": PASSWORD, "sasl_password_file": "f"}, "both set"),
        ({"broker": f"kafka://u:{PASSWORD}@h:1"}, "settings of their own"),
    ],
)
def test_settings_that_contradict_are_refused(given: dict[str, str], said: str) -> None:
    """And no password is in the error."""
    with pytest.raises(SettingsError, match=said) as exc:
        load(given, {})
    assert PASSWORD not in str(exc.value)


def test_a_password_is_never_shown() -> None:
    """Neither by ``settings`` nor where the settings are logged."""
    settings = load({"sasl_password": PASSWORD}, {})
    assert settings.sasl_password == PASSWORD
    assert PASSWORD not in repr(settings)
    assert all(PASSWORD not in row.value for row in describe(settings))
