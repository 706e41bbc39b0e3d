"""A page of the fleet's stores as asked for: search, state, order, page."""

from dataclasses import dataclass

import numpy as np

from streamproc.cells import Ints
from streamproc.rules.labels import Where
from streamproc.rules.now import STATES
from streamproc.web.as_of import AsOf
from streamproc.web.fleet.overview import SORTS, Overview
from streamproc.web.parameters import AS_OF, PAGE, WHERE, Choice, Query, Text, Whole
from streamproc.web.store.names import NOBODY, Directory

Q = Text("q", "part of a store's id or name")
NOW = Choice("now", (*STATES, "open"))
SORT = Choice("sort", SORTS, "down_day")
ORDER = Choice("order", ("asc", "desc"), help="the worst first, when it is left out")
PER_PAGE = Whole("per_page", 25, 1, 500)
PARAMETERS = (AS_OF, Q, NOW, WHERE, SORT, ORDER, PAGE, PER_PAGE)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a reader asked for; every value is checked."""

    as_of: AsOf
    q: str
    now: str
    sort: str
    order: str
    page: int
    per_page: int
    where: Where | None = None


def default_order(sort: str) -> str:
    """The worst come first; names go from a to z."""
    name = sort.partition("_")[0]
    return "asc" if name in ("store", "zone", "up", "percent", "last") else "desc"


def listing_of(query: Query) -> Listing:
    """The listing a query asks for; raises a 400 Refusal."""
    sort = SORT.read(query)
    return Listing(
        AS_OF.read(query),
        Q.read(query),
        NOW.read(query),
        sort,
        ORDER.read(query) or default_order(sort),
        PAGE.read(query),
        PER_PAGE.read(query),
        WHERE.read(query),
    )


def chosen(overview: Overview, listing: Listing, names: Directory = NOBODY) -> Ints:
    """All rows that are asked for, in order, over all pages."""
    found = overview.find(listing.q, listing.now, names)
    if listing.where is not None:
        ids = overview.rows.store_ids
        meant = [listing.where.holds(names.of(ids[row])) for row in found.tolist()]
        found = found[np.array(meant, bool)]
    return overview.ordered(found, listing.sort, listing.order == "desc")


def on_page(rows: Ints, listing: Listing) -> Ints:
    """The rows of the page."""
    first = (listing.page - 1) * listing.per_page
    return rows[first : first + listing.per_page]
