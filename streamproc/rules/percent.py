"""Uptime in percent of the observed time: one rule for all that shows it. Pure.

Observed is what was up or down. 100 is shown only for what was never down, 0 only for
what was never up, with however few digits; where nothing was observed, nothing is.
"""

import numpy as np

from streamproc.cells import Ints

DIGITS = 2


def percents(up_us: Ints, down_us: Ints, digits: int = DIGITS) -> list[str]:
    """Percentages with some decimals, half rounded up; empty for nothing observed."""
    whole = 100 * 10**digits
    # Integers of any length where 64 bits could not hold the products.
    largest = int(up_us.max(initial=0)) + int(down_us.max(initial=0))
    if 4 * whole * largest >= 1 << 63:
        up_us, down_us = up_us.astype(object), down_us.astype(object)
    seen = up_us + down_us
    shares = (2 * whole * up_us + seen) // (2 * np.maximum(seen, 1))
    shares = np.where(down_us > 0, np.minimum(shares, whole - 1), shares)
    shares = np.where(up_us > 0, np.maximum(shares, 1), shares)
    return [
        _text(share, digits) if observed else ""
        for share, observed in zip(shares.tolist(), (seen > 0).tolist(), strict=True)
    ]


def percent(up_us: int, down_us: int, digits: int = DIGITS) -> str | None:
    """The same of one amount, or of a fleet's sums; None for nothing observed."""
    # Python's integers: an int64 among objects would overflow all the same.
    up, down = np.array([int(up_us)], object), np.array([int(down_us)], object)
    return percents(up, down, digits)[0] or None


def _text(share: int, digits: int) -> str:
    ones, decimals = divmod(share, 10**digits)
    return f"{ones}.{decimals:0{digits}d}" if digits else str(ones)
