"""Table ``exclusions``: maintenance and corrections, by store and their own id.

Written by ``agents.stores``. Key: ``facts``, the suffix being the exclusion's id. The
value is JSON, the fields of ``streamproc.rules.exclusions.Exclusion``; withdrawn ones
stay listed.
"""

import orjson

from streamproc.rules.exclusions import Exclusion
from tables.batch_table import BatchTable


class Exclusions(BatchTable):
    """Exclusions by store id and id."""


def encode(exclusion: Exclusion) -> bytes:
    """Value of an exclusion."""
    return orjson.dumps(exclusion)


def decode(value: bytes) -> Exclusion:
    """Exclusion of a value."""
    return Exclusion(**orjson.loads(value))
