"""A window's figures as the API shows them."""

from streamproc.web import words


def window_json(up_us: int, down_us: int, open_us: int) -> dict[str, float | None]:
    """A window's figures in seconds; the percentage is of the observed time."""
    percent = words.percent(up_us, down_us)
    return {
        "up_s": up_us / 1e6,
        "down_s": down_us / 1e6,
        "unknown_s": (open_us - up_us - down_us) / 1e6,
        "open_s": open_us / 1e6,
        "uptime_percent": None if percent is None else float(percent),
    }
