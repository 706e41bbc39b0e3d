"""A window's figures as the API shows them."""

from streamproc.rules.percent import percent


def window_json(up_us: int, down_us: int, open_us: int) -> dict[str, float | None]:
    """A window's figures in seconds; the percentage is of the observed time."""
    shown = percent(up_us, down_us)
    return {
        "up_s": up_us / 1e6,
        "down_s": down_us / 1e6,
        "unknown_s": (open_us - up_us - down_us) / 1e6,
        "open_s": open_us / 1e6,
        "uptime_percent": None if shown is None else float(shown),
    }
