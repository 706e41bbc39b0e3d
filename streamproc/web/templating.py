"""Pages from templates: escaped, the same frame around each."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
import orjson
from aiohttp import web
from markupsafe import Markup, escape

from streamproc.report.record import time_text
from streamproc.report.rows import last_poll_text
from streamproc.rules import packing
from streamproc.rules.now import STATES
from streamproc.rules.percent import percent
from streamproc.rules.timeline import Span, clipped, local_time
from streamproc.rules.timestamp import parse_timestamp
from streamproc.rules.windows import WINDOWS
from streamproc.web import bars, chart, words
from streamproc.web.changes.said import DOOR_WORDS, change_words, fact_words
from streamproc.web.fleet.months import budget_picture
from streamproc.web.fleet.standing import pooled_percent
from streamproc.web.periods.reasons import reason_sentence, reason_words

LIVE_EVERY_S = 5.0
"""How often pages that are open follow what is new."""

GUARD: web.AppKey[Any] = web.AppKey("guard", object)
WATCH: web.AppKey[Any] = web.AppKey("watch", object)

STATE_WORDS = {
    "up": "up",
    "down": "down",
    "unknown": "no data",
    "silent": "silent",
    "excluded": "excluded",
    "closed": "closed",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One of the main pages. ``parts``: paths below which it is the current one too.

    ``keeps``: whether period and instant go along to it.
    """

    path: str
    name: str
    parts: tuple[str, ...] = ()
    keeps: bool = False

    def is_here(self, path: str) -> bool:
        """Whether a path is the page's own, or of a part of it."""
        return path == self.path or path.startswith(self.parts or f"{self.path}/")


NAVIGATION = (
    Entry("/", "Now", ("/?",), keeps=True),
    Entry("/stores", "Stores", ("/stores", "/store"), keeps=True),
    Entry("/incidents", "Incidents", ("/incidents",), keeps=True),
    Entry("/reports", "Reports"),
    Entry("/system", "System", ("/system", "/tables", "/rejected")),
    Entry("/connect", "Connect"),
)
"""In the order of the header; a page that is added gets its entry here."""


def url(path: str, **query: Any) -> str:
    """A path with its query; what is None or empty is left out."""
    given = {
        name: value for name, value in query.items() if value not in (None, "", [])
    }
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


def store_url(store_id: str, rest: str = "", **query: Any) -> str:
    """A store's page. Browsers resolve ``.`` and ``..``, so those go as a query."""
    if store_id in (".", ".."):
        return url("/store", id=store_id, **query)
    return url(f"/stores/{quote(store_id, safe='')}{rest}", **query)


def goal_of(store_id: str, as_of: str = "") -> str:
    """A link to a day of a store, with ``{}`` in place of the period."""
    return with_period(store_url(store_id, as_of=as_of))


def with_period(link: str) -> str:
    """A link with ``{}`` as its period, to be filled in."""
    escaped = link.replace("{", "{{").replace("}", "}}")
    return f"{escaped}{'&' if '?' in link else '?'}period={{}}"


_STATES = {"no data": "unknown", "maintenance": "excluded"}


def state_of(number: int) -> str:
    """A state's word as pictures, marks and styles have it."""
    name = STATES[number]
    return _STATES.get(name, name)


_PATTERNS = {"down": "hatch", "unknown": "dots", "excluded": "lines", "lost": "pale"}


def fill(state: str) -> Markup:
    """The attribute that fills a state's shape with its pattern, if it has one."""
    name = _PATTERNS.get(state)
    return Markup(f' fill="url(#{name})"' if name else "")


def strip(
    spans: list[Span], start_us: int, length_us: int, zone: str, label: str, height: int
) -> Markup:
    """Spans as a picture, place and width in percent; each says what it means.

    Made here rather than in a template: there are hundreds on a page.
    """
    parts = []
    for span in spans:
        x = f"{100 * (span.start_us - start_us) / length_us:.3f}"
        width = f"{100 * span.length_us / length_us:.3f}"
        place = f'x="{x}%" width="{width}%"'
        parts.append(
            f'<rect class="{span.state}"{fill(span.state)} {place}'
            f' height="{height}"><title>{span_text(span, zone)}</title></rect>'
        )
        if span.state == "closed":
            middle = height // 2 - 1
            parts.append(f'<rect class="thread" {place} y="{middle}" height="2"/>')
    return Markup(
        f'<svg class="strip" width="100%" height="{height}" role="img"'
        f' aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def span_text(span: Span, zone: str, dated: bool = False) -> str:
    """A span in words, in local time; with its dates beside the weekdays, or not."""
    form = "%a %d %b %H:%M" if dated else "%a %H:%M"
    start, end = local_time(zone, span.start_us), local_time(zone, span.end_us)
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:{form}}"
    return (
        f"{STATE_WORDS[span.state]} · {start:{form}}–{until}"
        f" · {words.length(span.length_us)}"
    )


def misses(up_us: int, down_us: int, target: float) -> bool:
    """Whether a percentage is below its target; exact, however it is rounded."""
    up, seen = int(up_us), int(up_us) + int(down_us)
    return 100 * up < Fraction(str(target)) * seen


@cache
def environment() -> jinja2.Environment:
    """How templates are read, and what all of them may use."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("streamproc.web", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(_shared())
    environment.filters.update(clipped=clipped, pretty=pretty)
    environment.filters.update(
        reason_words=reason_words, reason_sentence=reason_sentence
    )
    return environment


def _shared() -> dict[str, Any]:
    """What templates may use, by its name there."""
    return {
        "words": words,
        "windows": WINDOWS,
        "percent_of": percent,
        "url": url,
        "store_url": store_url,
        "strip": strip,
        "fill": fill,
        "state_of": state_of,
        "goal_of": goal_of,
        "has_page": lambda path: any(entry.path == path for entry in NAVIGATION),
        "bars": bars.bars,
        "chart": chart.chart,
        "budget_picture": budget_picture,
        "misses": misses,
        "span_text": span_text,
        "local_time": local_time,
        "time_text": time_text,
        "last_poll_text": last_poll_text,
        "state_words": STATE_WORDS,
        "time_of": packing.time_of,
        "is_active": packing.is_active,
        "pooled_percent": pooled_percent,
        "navigation": NAVIGATION,
        "change_words": change_words,
        "fact_words": fact_words,
        "door_words": DOOR_WORDS,
        "us_of": lambda text: parse_timestamp(text, "at"),
    }


def pretty(value: Any) -> str:
    """A decoded value, laid out."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a page: where it is, who looks, what wants attention."""

    path: str
    may_change: bool
    can_sign_in: bool
    attention: Any

    @classmethod
    def of(cls, request: web.Request) -> "Frame":
        """Of the page that a request asks for."""
        guard, attention = request.app[GUARD], request.app[WATCH].seen
        who = guard.is_signed_in(request), guard.can_sign_in(request)
        return cls(request.path, *who, attention)

    def around(self, template: str, **context: Any) -> bytes:
        """A page as bytes."""
        context.setdefault("as_of", None)
        context.setdefault("live_url", "/live")
        context.setdefault("kept", {"as_of": context["as_of"]})
        context.setdefault("may_change", self.may_change)
        context.setdefault("attention", self.attention)
        page = environment().get_template(template)
        return page.render(
            **context,
            path=self.path,
            can_sign_in=self.can_sign_in,
            live_every_s=LIVE_EVERY_S,
        ).encode(errors="replace")


def text(request: web.Request, template: str, **context: Any) -> bytes:
    """A page as bytes."""
    return Frame.of(request).around(template, **context)
