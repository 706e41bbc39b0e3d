"""Records that a producer or a disk has spoilt: the others are read all the same."""

from streamproc.topics import topics_for
from tests.kafka import fleet
from tests.kafka.fleet import Fleet
from tests.kafka.workers import Start


class NotText(str):
    """A header's name that some producer wrote as Latin-1."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        """The bytes on the wire, which are not UTF-8."""
        return b"gr\xfc\xdfe"


async def test_a_header_name_that_is_not_utf_8_is_read_with_replacement(
    worker: Start,
) -> None:
    """A poll counts, whatever its headers are called."""
    one, polls = worker(), Fleet(stores=20)
    topic = topics_for(one.settings).polls
    keys, values = polls.make(200)
    headers = {row: [(NotText("x"), b"1")] for row in (0, 7)}
    await fleet.publish(one.settings, topic, keys, values, headers)
    one.start()
    await fleet.caught_up(one.settings, 20)
    one.stop()
    assert not fleet.differences(polls.expected(), await fleet.histories(one.settings))
