"""A picture of one percentage, to be embedded elsewhere. Pure."""

BADGE_COLOURS = {
    "good": "#1f7a4d",
    "fair": "#8a5a00",
    "bad": "#b3261e",
    "none": "#5a6672",
}


def badge_svg(label: str, percent: str | None) -> str:
    """A badge; no observation is said in words, not as zero."""
    value = "no data" if percent is None else f"{percent}%"
    grade = "none"
    if percent is not None:
        grade = (
            "good"
            if float(percent) >= 99
            else "fair"
            if float(percent) >= 90
            else "bad"
        )
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
