"""Values of table ``labels``: every store's name, labels and target.

Written by ``agents.stores``. The value is JSON, the fields of
``streamproc.rules.labels.Labels``.
"""

import orjson

from streamproc.rules.labels import Labels


def encode(labels: Labels) -> bytes:
    """Value of a store's labels."""
    return orjson.dumps(labels)


def decode(value: bytes | None) -> Labels:
    """Labels of a value; a store without any has none."""
    return Labels() if value is None else Labels(**orjson.loads(value))
