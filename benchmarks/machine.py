"""What this machine does besides: CPU seconds, and waiting until it is calm."""

import time

import psutil  # type: ignore[import-untyped]

DISTURBED_CORES = 0.25
"""A run in which others used more than this is repeated; the calmest ones count."""

SETTLE_S, CALM_S = 60.0, 2.0
"""How long calm is waited for before a run, and how long it must have lasted."""


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used."""
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


def busy_s() -> float:
    """CPU seconds that all of this machine has spent."""
    spent = psutil.cpu_times()
    return float(spent.user + spent.nice + spent.system + spent.irq + spent.softirq)


def settle() -> None:
    """Wait until the machine has little else to do; not for ever."""
    give_up = time.monotonic() + SETTLE_S
    while time.monotonic() < give_up:
        before_s = busy_s()
        time.sleep(CALM_S)
        if busy_s() - before_s < DISTURBED_CORES * CALM_S:
            return
