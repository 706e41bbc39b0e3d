"""The Faust tables, one module each, and the batch table they share.

``histories``    every store's polls, in day segments
``archive``      older polls by month; ``past``: both, before an instant
``chunks``       histories of many stores as columns; ``recent``: kept in memory
``fact_tables``  what is known of stores besides: hours, zones, special hours, …
``reports``      every report's state
``batch_table``  how all of them are written; ``rocks_store``: where to
``rocks_*``      what it is made of: options, errors, whole scans, files that were cut
``fencing``      another worker has written to a changelog in between
``rebuild``      a copy that no longer goes with its changelog

Pure, so that a report of files alone needs neither Faust nor RocksDB: ``accounting``
and ``period_accounting``, ``calendars``, ``chunks``, ``facts``, ``fact_records``, and
the values of the tables of facts: ``hours``, ``zones``, ``special_hours``,
``exclusions``, ``labels``.
"""
