"""RocksDB's options under a table."""

from faust.stores.rocksdb import RocksDBOptions
from rocksdict import DBCompressionType, Options

_FILTER_SHARE = 0.05
"""Of the write buffer."""


class TableOptions(RocksDBOptions):
    """Faust's, with a filter for what has been written but not flushed.

    Most keys of a batch are new when few polls are of the same store.
    """

    def as_options(self) -> Options:
        """RocksDB's own form of the options."""
        options = super().as_options()
        if self.extra_options.get("compression") == "zstd":
            options.set_compression_type(DBCompressionType.zstd())
        options.set_memtable_whole_key_filtering(True)
        options.set_memtable_prefix_bloom_ratio(_FILTER_SHARE)
        return options
