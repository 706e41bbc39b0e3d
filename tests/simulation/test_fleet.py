"""The generated fleet: every message is understood, and it has something to find."""

from collections import Counter

import pytest

from streamproc.rules.exclusions import parse_exclusion
from streamproc.rules.labels import parse_labels
from streamproc.rules.poll import Poll
from streamproc.rules.special_hours import parse_special_hours
from streamproc.rules.units import DAY_US, HOUR_US
from streamproc.simulation.events import MAINTAINED, holiday_of, maintenances_of
from streamproc.simulation.fleet import Fleet

NOW_US = 20_500 * DAY_US + 15 * HOUR_US


def test_every_store_has_a_name_of_its_own_labels_and_a_target() -> None:
    """However many there are; the second one of a name is told apart."""
    told = [parse_labels(store.labels) for store in Fleet(1_500).stores]
    names = [each.name for each in told]
    assert len(set(names)) == len(names)
    assert {tuple(each.labels) for each in told} == {("brand", "poller", "region")}
    assert {each.target for each in told} == {98.5}


def test_a_fleet_is_the_same_each_time_whatever_its_size() -> None:
    """A store keeps its id, zone, hours and labels in a larger fleet."""
    small, large = Fleet(20, seed=3).stores, Fleet(200, seed=3).stores
    assert small == large[:20]


@pytest.mark.parametrize("begin_us", [20_500 * DAY_US, 20_501 * DAY_US + 7])
def test_a_broken_poller_is_silent_for_two_hours_of_each_day(begin_us: int) -> None:
    """Its stores only; with all pollers sound there are polls in every hour."""

    def heard(fleet: Fleet) -> Counter[str]:
        of = {s.store_id: s.labels["labels"]["poller"] for s in fleet.stores}
        polls = fleet.polls(begin_us, begin_us + DAY_US)
        return Counter(of[poll.store_id] for poll in polls)

    sound = heard(Fleet(200, interval_s=1800))
    broken = heard(Fleet(200, interval_s=1800, broken_poller="p3"))
    assert broken["p3"] == pytest.approx(sound["p3"] * 22 / 24, rel=0.02)
    assert {p: broken[p] for p in ("p1", "p2", "p4")} == {
        p: sound[p] for p in ("p1", "p2", "p4")
    }


def test_polls_do_not_hang_on_where_a_span_of_time_begins() -> None:
    """A simulation that is resumed goes on as it would have."""
    fleet = Fleet(20, broken_poller="p1")
    begin_us, middle_us = NOW_US, NOW_US + 5 * HOUR_US
    whole = list(fleet.polls(begin_us, NOW_US + DAY_US))
    parts: list[Poll] = [
        *fleet.polls(begin_us, middle_us),
        *fleet.polls(middle_us, NOW_US + DAY_US),
    ]
    assert whole == parts


def test_the_holiday_and_the_maintenance_are_messages_as_producers_send_them() -> None:
    """A past date of all stores; past hours of the stores of one brand."""
    holiday = parse_special_hours(holiday_of(NOW_US))
    assert holiday.openings == ()
    assert holiday.day < NOW_US // DAY_US
    stores = Fleet(100).stores
    told = maintenances_of(stores, NOW_US)
    assert len(told) == sum(
        store.labels["labels"]["brand"] == MAINTAINED for store in stores
    )
    assert told
    for each in told:
        assert parse_exclusion(each, 0).kind == "maintenance"
