"""What a connection to a broker needs to be told.

The program's settings have all of it; nothing else of them is known here.
"""

from pathlib import Path
from typing import Protocol


class BrokerOptions(Protocol):
    """Which broker, how to log in, and how topics are made."""

    @property
    def embedded(self) -> bool:
        """Whether the broker is the embedded log."""

    @property
    def broker_url(self) -> str:
        """``sqlite:///path/log.db`` or ``kafka://host:9092,host2:9092``."""

    @property
    def log_sync(self) -> str:
        """Embedded log: full or normal."""

    @property
    def app_id(self) -> str:
        """The workers' consumer group."""

    @property
    def isolation_level(self) -> str:
        """Whether records of transactions that were taken back are read."""

    @property
    def replication_factor(self) -> int:
        """Copies of each topic that is created; 0 for the broker's default."""

    @property
    def min_insync_replicas(self) -> int:
        """Copies that must have a record; 0 for the broker's default."""

    @property
    def sasl_mechanism(self) -> str:
        """How to log in; empty for no user name."""

    @property
    def sasl_username(self) -> str:
        """The user."""

    @property
    def sasl_password(self) -> str:
        """The password, unless it is in a file."""

    @property
    def sasl_password_file(self) -> Path | None:
        """File that holds the password."""

    @property
    def tls(self) -> bool:
        """Whether to encrypt."""

    @property
    def tls_ca(self) -> Path | None:
        """PEM file of the authorities to trust."""

    @property
    def tls_cert(self) -> Path | None:
        """PEM file of the client's certificate."""

    @property
    def tls_key(self) -> Path | None:
        """PEM file of the certificate's key."""
