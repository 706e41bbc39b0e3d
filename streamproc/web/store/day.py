"""Every poll of a day as a mark under its strip."""

from markupsafe import Markup

from streamproc.rules.timeline import Day, local_time
from streamproc.web.store.view import PollRow, StoreView


def polls_of(view: StoreView, day: Day) -> list[PollRow]:
    """The polls of a local date, newest first."""
    newest = view.polls(0, view.poll_count)
    return [poll for poll in newest if day.start_us <= poll.time_us < day.end_us]


def poll_marks(polls: list[PollRow], day: Day, zone: str) -> Markup:
    """A row of ticks and crosses, each at its time and with it in words."""
    length_us = day.end_us - day.start_us
    marks = "".join(
        _mark(poll, 100 * (poll.time_us - day.start_us) / length_us, zone)
        for poll in polls
    )
    count = f"{len(polls)} poll{'' if len(polls) == 1 else 's'}"
    return Markup(
        f'<svg class="pollrow" width="100%" height="10" role="img"'
        f' aria-label="{count}">{marks}</svg>'
    )


def _mark(poll: PollRow, percent: float, zone: str) -> str:
    state = "up" if poll.active else "down"
    at = f"{local_time(zone, poll.time_us):%H:%M:%S}"
    return (
        f'<svg class="{state}" x="{percent:.2f}%" width="9" height="9"'
        f' overflow="visible"><title>{at} local · {state}</title>'
        f'<use href="#m-{state}" x="-4.5" width="9" height="9"/></svg>'
    )
