"""Values of table ``exclusions``: maintenance and corrections by store and id.

Written by ``agents.stores``. Key: ``facts``, the suffix being the exclusion's id. The
value is JSON, the fields of ``streamproc.rules.exclusions.Exclusion``; withdrawn ones
stay listed.
"""

import orjson

from streamproc.rules.exclusions import Exclusion


def encode(exclusion: Exclusion) -> bytes:
    """Value of an exclusion."""
    return orjson.dumps(exclusion)


def decode(value: bytes) -> Exclusion:
    """Exclusion of a value."""
    return Exclusion(**orjson.loads(value))
