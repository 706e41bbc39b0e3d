"""How much is held in memory, and how often it is made durable."""

from dataclasses import dataclass

from streamproc.settings.parsing import choice, integer, number, setting


@dataclass(frozen=True)
class Engine:
    """How much is held in memory, and how often it is made durable."""

    log_sync: str = setting(
        "full",
        choice("full", "normal"),
        "Embedded log: full survives power loss, normal the death of a process.",
    )
    commit_interval: float = setting(
        2.0, number(0.05, 60), "Seconds between commits of consumed offsets."
    )
    max_poll_records: int = setting(
        50_000, integer(1, 1_000_000), "Records fetched at once from a partition."
    )
    polls_memory: int = setting(
        256,
        integer(0, 1_048_576),
        "MiB of polls at hand that are kept in memory for reports and pages; 0: none.",
    )
    block_cache: int = setting(
        32, integer(1, 65_536), "MiB of RocksDB block cache per table and partition."
    )
    write_buffer: int = setting(
        8, integer(1, 4_096), "MiB of RocksDB write buffer per table and partition."
    )
    stall_timeout: float = setting(
        300.0,
        number(1, 86_400),
        "Seconds without progress, with work waiting, after which a worker exits so"
        " that its supervisor restarts it.",
    )
