"""Figures between edges: any stores against the walk, and what slices sum to."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.rules import packing, sliced
from streamproc.rules.business import BusinessTime, clipped
from streamproc.rules.exclusions import Correction, without
from streamproc.rules.sliced import Sliced, account_slicings
from streamproc.rules.units import MINUTE_US
from streamproc.rules.uptime import Rules, Times
from tests.reference import DAY_US, Figures, Poll, SliceFigures, Span, slice_figures
from tests.rules.test_uptime import QUICK, THOROUGH

DAY0 = 20_000 * DAY_US
LONG = 3 * 24 * 60
minute = st.integers(0, LONG).map(lambda number: DAY0 + number * MINUTE_US)
STATUS = {True: 1, False: 0, None: -1}


class Store(NamedTuple):
    """One store: polls, open time, maintenance, and statuses put right, in order."""

    polls: list[Poll]
    opened: list[Span]
    maintenance: list[Span]
    said: list[tuple[Span, bool | None]]

    @property
    def business(self) -> list[Span]:
        """Open time that is not excluded."""
        return without(self.opened, self.maintenance)


class Fleet(NamedTuple):
    """Some stores, the edges of each, and the rules."""

    stores: list[Store]
    edges: list[list[int]]
    as_of_us: int
    rules: Rules
    bridge_us: int


def spans(ends: int) -> st.SearchStrategy[list[Span]]:
    """Spans in order, apart from each other."""
    several = st.lists(minute, max_size=ends, unique=True).map(sorted)
    return several.map(lambda cuts: list(zip(cuts[::2], cuts[1::2], strict=False)))


@st.composite
def stores(draw: st.DrawFn) -> Store:
    """Polls that come twice or disagree, too."""
    ends = draw(spans(4))
    statuses = st.sampled_from([True, False, None])
    polls = draw(st.lists(st.tuples(minute, st.booleans()), max_size=12))
    return Store(
        polls,
        draw(spans(6)),
        draw(spans(6)),
        [(span, draw(statuses)) for span in ends],
    )


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    """Slices of any length, none among them; polls come after them, too."""
    found = draw(st.lists(stores(), min_size=1, max_size=3))
    slices = draw(st.integers(1, 5))
    several = st.lists(minute, min_size=slices + 1, max_size=slices + 1).map(sorted)
    edges = [draw(several) for _ in found]
    last = max(edge for each in edges for edge in each)
    return Fleet(
        found,
        edges,
        last + draw(st.sampled_from([0, 1, DAY_US])),
        Rules(
            draw(st.sampled_from([None, 5 * MINUTE_US, 60 * MINUTE_US])),
            draw(st.booleans()),
        ),
        draw(st.sampled_from([0, 10 * MINUTE_US, 600 * MINUTE_US])),
    )


def product(fleet: Fleet) -> Sliced:
    """All stores at once, as the program counts them."""
    begin = min(edge for each in fleet.edges for edge in each)
    end = max(edge for each in fleet.edges for edge in each)
    known = [
        [poll for poll in store.polls if poll[0] < fleet.as_of_us]
        for store in fleet.stores
    ]
    packed = [packing.canonical(packing.pack(polls)) for polls in known]
    opened, business = (
        BusinessTime([clipped(each, begin, end) for each in times], begin, end)
        for times in (
            [store.opened for store in fleet.stores],
            [store.business for store in fleet.stores],
        )
    )
    corrections = [
        [Correction(*span, STATUS[status]) for span, status in store.said]
        for store in fleet.stores
    ]
    (figures,) = account_slicings(
        np.concatenate(packed),
        np.array([len(each) for each in packed], np.int64),
        np.arange(len(fleet.stores)),
        Times(opened, business, corrections),
        fleet.rules,
        [np.array(fleet.edges, np.int64)],
        fleet.bridge_us,
    )
    return figures


def told(figures: Sliced, store: int, slice_: int) -> SliceFigures:
    """One cell, as the oracle tells of it."""
    up, down, opened, excluded, incidents, longest = (
        int(column[store, slice_])
        for column in (
            *(figures.up, figures.down, figures.open, figures.excluded),
            *(figures.incidents, figures.longest),
        )
    )
    unknown = opened - excluded - up - down
    return SliceFigures(
        Figures(up, down, unknown, opened), excluded, incidents, longest
    )


@THOROUGH
@given(fleet=fleets())
def test_any_store_has_in_every_slice_what_is_walked_there(fleet: Fleet) -> None:
    """Up, down, unknown, excluded and open time; how many incidents; the longest."""
    figures = product(fleet)
    for number, (store, edges) in enumerate(
        zip(fleet.stores, fleet.edges, strict=True)
    ):
        for slice_, span in enumerate(pairwise(edges)):
            assert told(figures, number, slice_) == slice_figures(
                store.polls,
                store.opened,
                store.business,
                span,
                fleet.as_of_us,
                fleet.rules.hold_us,
                fleet.rules.backfill,
                fleet.bridge_us,
                store.said,
            )


@QUICK
@given(fleet=fleets())
def test_slices_sum_to_the_whole_to_the_microsecond(fleet: Fleet) -> None:
    """The days of a month are the month; an incident may be in several of them."""
    parts = product(fleet)
    whole = product(fleet._replace(edges=[[e[0], e[-1]] for e in fleet.edges]))
    for name in ("up", "down", "open", "excluded"):
        assert (
            getattr(parts, name).sum(axis=1).tolist()
            == getattr(whole, name)[:, 0].tolist()
        )
    assert (parts.incidents.sum(axis=1) >= whole.incidents[:, 0]).all()
    assert ((parts.longest > 0) == (parts.down > 0)).all()
    assert (parts.longest.max(axis=1) <= whole.longest[:, 0]).all()


@given(st.data(), st.sampled_from([1, 2, 1 << 40]))
@settings(deadline=None)
def test_the_slice_of_an_instant_is_the_last_that_begins_by_then(
    data: st.DataObject, at_once: int
) -> None:
    """Each store has edges of its own, some equal; however many are asked at once."""
    stores = data.draw(st.integers(1, 4))
    edge = st.integers(1_000, 1_020)
    rows = [sorted(data.draw(edge) for _ in range(4)) for _ in range(stores)]
    asked = st.tuples(st.integers(0, stores - 1), st.integers(990, 1_030))
    some = sorted(data.draw(st.lists(asked, max_size=9)))
    store, time_us = np.array(some, np.int64).reshape(-1, 2).T
    with pytest.MonkeyPatch.context() as patch:
        span_us = max(map(max, rows)) - min(map(min, rows)) + 2
        patch.setattr(sliced, "_MOST", at_once * span_us)
        found = sliced._slice_at(store, time_us, np.array(rows, np.int64))
    wanted = [sum(edge <= at for edge in rows[which]) - 1 for which, at in some]
    assert found.tolist() == wanted
