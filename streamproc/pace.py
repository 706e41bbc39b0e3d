"""How long whatever takes long rests before it is done again. Pure."""

SHARE = 0.03
"""How much of the time may be spent on doing one thing again and again."""

LONGEST_S = 300.0
"""How long it rests at most; what takes so long is done at leisure."""


def rest_s(took_s: float) -> float:
    """Seconds from the end of work to its next turn, so that it keeps to its share."""
    return min(took_s / SHARE, LONGEST_S)
