"""One partition's stores, as another worker gets them."""

import numpy as np
import pytest

from streamproc.web.fleet.shard import NO_SHARD, Shard, decode, encode
from tests.report.test_rows import as_lists, some_rows


@pytest.mark.parametrize("count", [0, 1, 1_000])
def test_a_shard_is_the_same_after_its_journey(count: int) -> None:
    """Encoding and decoding lose nothing, not even of no stores."""
    rows = some_rows([f"é{n}" for n in range(count)])
    numbers = np.arange(count)
    sent = Shard(rows, numbers, numbers + 1, numbers % 2, ["Asia/Tokyo", "UTC"])
    found = decode(encode(sent))
    assert as_lists(found.rows) == as_lists(rows)
    assert found.zones == sent.zones
    for name in ("state", "since_us", "zone"):
        assert getattr(found, name).tolist() == getattr(sent, name).tolist()


def test_no_shard_travels_too() -> None:
    """Of a partition without stores."""
    assert len(decode(encode(NO_SHARD)).rows) == 0
