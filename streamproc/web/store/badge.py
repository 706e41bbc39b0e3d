"""A picture of one percentage or state, to be embedded elsewhere. Pure."""

GOOD, FAIR = 99, 90
"""Percent from which on a badge is green, or not red."""

BADGE_COLOURS = {
    "good": "#1f7a4d",
    "fair": "#8a5a00",
    "bad": "#b3261e",
    "none": "#5a6672",
}


def percent_badge(label: str, percent: str | None) -> str:
    """A badge of a percentage; no observation is said in words, not as zero."""
    if percent is None:
        return _svg(label, "no data", "none")
    good, fair = float(percent) >= GOOD, float(percent) >= FAIR
    return _svg(label, f"{percent}%", "good" if good else "fair" if fair else "bad")


def state_badge(state: str) -> str:
    """A badge of what a store is now."""
    return _svg("now", state, _GRADES.get(state, "none"))


_GRADES = {"up": "good", "down": "bad", "silent": "fair"}


def _svg(label: str, value: str, grade: str) -> str:
    left, right = 8 + 6.4 * len(label), 12 + 6.8 * len(value)
    width = round(left + right)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20"'
        f' role="img" aria-label="{label}: {value}"><title>{label}: {value}</title>'
        f'<rect width="{width}" height="20" rx="4" fill="#3a4450"/>'
        f'<path d="M{left:.0f} 0h{width - left - 4:.0f}a4 4 0 0 1 4 4v12a4 4 0 0 1-4 4'
        f'H{left:.0f}z" fill="{BADGE_COLOURS[grade]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="8" y="14" textLength="{left - 12:.0f}">{label}</text>'
        f'<text x="{left + 6:.0f}" y="14" textLength="{right - 12:.0f}"'
        f' font-weight="bold">{value}</text></g></svg>'
    )
