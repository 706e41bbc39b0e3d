"""All stores as pages list them: what they are, what they are called, their figures."""

from streamproc.errors import ReportFailedError
from streamproc.web import words
from streamproc.web.as_of import AsOf
from streamproc.web.fleet.standing import Standing
from streamproc.web.now.everyone import Everyone
from streamproc.web.refusal import moving
from streamproc.web.site import Site


async def standing_of(
    site: Site, period: str, as_of: AsOf, whole: bool = True
) -> tuple[Standing, str]:
    """All stores; and why there are no figures of the period, or nothing.

    An empty period: no figures are wanted.

    ``whole``: raises a 503 Refusal while a worker does not answer; else its stores are
    told of as they were.
    """
    everyone = await site.everybody.cache.get(as_of)
    if whole and everyone.lost:
        raise moving(f"{lost_text(everyone)} Ask again when all of them answer.")
    names = await site.names.all()
    figures, why = None, ""
    try:
        if period:
            figures = await site.performances.cache.get((period, as_of))
    except ReportFailedError as exc:
        why = str(exc)
    return Standing(everyone, names, figures, site.program.settings.target), why


def lost_text(everyone: Everyone) -> str:
    """Which workers do not answer, in a sentence for each."""
    return " ".join(
        f"{words.worker(one.url)} has not answered since"
        f" {words.clock(one.since_us)}, for partition"
        f" {words.listed(one.partitions)}."
        for one in everyone.lost
    )
