"""Uptime in percent of the observed time: one rule for all that shows it. Pure.

Observed is what was up or down. 100 is shown only for what was never down, 0 only for
what was never up, with however few digits; where nothing was observed, nothing is.
"""

from typing import Any

from streamproc.cells import Ints

DIGITS = 2


def percents(up_us: Ints, down_us: Ints, digits: int = DIGITS) -> list[str]:
    """Percentages with some decimals, half rounded up; empty for nothing observed."""
    whole = 100 * 10**digits
    # Integers of any length where 64 bits could not hold the products.
    largest = int(up_us.max(initial=0)) + int(down_us.max(initial=0))
    if 4 * whole * largest >= 1 << 63:
        up_us, down_us = up_us.astype(object), down_us.astype(object)
    shares, seen = _shares(up_us, down_us, whole), up_us + down_us
    return [
        _text(share, digits) if observed else ""
        for share, observed in zip(shares.tolist(), (seen > 0).tolist(), strict=True)
    ]


def percent(up_us: int, down_us: int, digits: int = DIGITS) -> str | None:
    """A percentage of one amount, or of a fleet's sums; None for nothing observed."""
    up, down = int(up_us), int(down_us)  # an int64 would overflow
    if up + down <= 0:
        return None
    return _text(_shares(up, down, 100 * 10**digits), digits)


def _shares(up: Any, down: Any, whole: int) -> Any:
    """Up as a part of ``whole``, of two numbers or of two arrays of numbers."""
    seen = up + down
    shares = (2 * whole * up + seen) // (2 * (seen + (seen == 0)))
    shares = shares - (down > 0) * (shares == whole)
    return shares + (up > 0) * (shares == 0)


def _text(share: int, digits: int) -> str:
    ones, decimals = divmod(share, 10**digits)
    return f"{ones}.{decimals:0{digits}d}" if digits else str(ones)
