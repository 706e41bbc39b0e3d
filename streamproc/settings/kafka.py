"""The connection to a Kafka cluster, and what is asked of its topics."""

from dataclasses import dataclass
from pathlib import Path

from streamproc.errors import SettingsError
from streamproc.settings.parsing import (
    choice,
    integer,
    number,
    only_one,
    optional_path,
    setting,
    switch,
)


@dataclass(frozen=True)
class Kafka:
    """The connection to a Kafka cluster, and what is asked of its topics."""

    broker_timeout: float = setting(
        60.0,
        number(1, 86_400),
        "Kafka: seconds an absent broker is waited for before giving up.",
    )
    session_timeout: float = setting(
        10.0,
        number(6, 1_800),
        "Kafka: seconds without a sign of life after which a worker's partitions go"
        " to the others.",
    )
    isolation_level: str = setting(
        "read_committed",
        choice("read_committed", "read_uncommitted"),
        "Kafka: whether what a producer took back, by aborting its transaction, is left"
        " out (read_committed) or read all the same.",
    )
    standby_replicas: int = setting(
        0,
        integer(0, 10),
        "Kafka: workers that keep a warm copy of each table partition, beside its"
        " owner.",
    )
    replication_factor: int = setting(
        0,
        integer(0, 100),
        "Kafka: copies of each topic that is created; 0: the broker's default.",
    )
    min_insync_replicas: int = setting(
        0,
        integer(0, 100),
        "Kafka: copies that must have a record before it counts as written; 0: the"
        " broker's default.",
    )
    sasl_mechanism: str = setting(
        "",
        choice("", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
        "Kafka: how to log in. Empty: no user name.",
    )
    sasl_username: str = setting("", str, "Kafka: user name.")
    sasl_password: str = setting("", str, "Kafka: password.", secret=True)
    sasl_password_file: Path | None = setting(
        None, optional_path, "Kafka: file that holds the password."
    )
    tls: bool = setting(
        False, switch, "Kafka: encrypt; on as well when a tls_ file is given."
    )
    tls_ca: Path | None = setting(
        None,
        optional_path,
        "Kafka: PEM file of the authorities to trust. Empty: the system's.",
    )
    tls_cert: Path | None = setting(
        None, optional_path, "Kafka: PEM file of the client's certificate."
    )
    tls_key: Path | None = setting(
        None, optional_path, "Kafka: PEM file of the certificate's key."
    )

    def check(self) -> None:
        """Raise SettingsError unless the values fit together."""
        only_one("sasl_password", self.sasl_password, self.sasl_password_file)
        if self.sasl_mechanism and not self.sasl_username:
            raise SettingsError("sasl_mechanism is set, but sasl_username is not")
        if self.sasl_username and not self.sasl_mechanism:
            raise SettingsError("sasl_username is set, but sasl_mechanism is not")
        if bool(self.tls_cert) != bool(self.tls_key):
            raise SettingsError("tls_cert and tls_key go together")
