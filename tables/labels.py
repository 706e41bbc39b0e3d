"""Table ``labels``: every store's name, labels and target.

Written by ``agents.stores``. The value is JSON, the fields of
``streamproc.rules.labels.Labels``.
"""

import orjson

from streamproc.rules.labels import Labels
from tables.batch_table import BatchTable
from tables.facts import facts_between


class LabelsTable(BatchTable):
    """Labels by store id."""


def encode(labels: Labels) -> bytes:
    """Value of a store's labels."""
    return orjson.dumps(labels)


def decode(value: bytes | None) -> Labels:
    """Labels of a value; a store without any has none."""
    return Labels() if value is None else Labels(**orjson.loads(value))


def labels_between(
    table: LabelsTable,
    partition: int,
    store_ids: list[bytes],
    after: bytes,
    upto: bytes | None,
) -> list[Labels]:
    """The labels of each store; those with ``after`` < id <= ``upto`` are asked."""
    held = facts_between(table, partition, after, upto)
    values = [facts[0][1] if facts else None for facts in held.distinct]
    distinct = [decode(value) for value in values]
    return [distinct[number] for number in held.of(store_ids)]
