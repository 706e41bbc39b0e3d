"""Where the program keeps its things, and what it is called."""

import re
from dataclasses import dataclass
from pathlib import Path

from streamproc.errors import SettingsError, shown
from streamproc.settings.parsing import (
    broker_address,
    choice,
    integer,
    optional_path,
    path_of,
    setting,
    topic_name,
)


@dataclass(frozen=True)
class Basics:
    """Where the program keeps its things, and what it is called."""

    data_dir: Path = setting(
        Path("data"), path_of, "Directory of the log, the tables and the reports."
    )
    broker: str = setting(
        "",
        broker_address,
        "Where the topics live: sqlite:///path/log.db or kafka://host:9092,host2:9092."
        " Empty: the embedded log in the data directory.",
    )
    report_dir: Path | None = setting(
        None,
        optional_path,
        "Directory of combined_report.csv and reports/. Empty: the data directory.",
    )
    app_id: str = setting(
        "store-uptime",
        str,
        "Name of the consumer group, and prefix of internal topics.",
    )
    topic_prefix: str = setting(
        "",
        topic_name,
        "Put before the name of every topic, to share one Kafka cluster.",
    )
    partitions: int = setting(
        4, integer(1, 1024), "Partitions of the input topics; fixed once created."
    )
    log_level: str = setting(
        "info", choice("debug", "info", "warning", "error"), "What is logged."
    )

    def check(self) -> None:
        """Raise SettingsError unless the values fit together."""
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", self.app_id):
            raise SettingsError(
                f"app_id is {shown(self.app_id)}, expected letters, digits and dashes"
            )

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
