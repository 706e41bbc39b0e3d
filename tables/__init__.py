"""The Faust tables, one module each, and the batch table they share.

``histories``    every store's polls, in day segments
``archive``      older polls by month; ``past``: both, before an instant
``chunks``       histories of many stores as columns; ``recent``: kept in memory
``hours``        every store's business hours
``zones``        every store's time zone
``reports``      every report's state
``batch_table``  how all of them are written; ``rocks_store``: where to
``rocks_*``      what it is made of: options, errors, whole scans, files that were cut
``fencing``      another worker has written to a changelog in between
``rebuild``      a copy that no longer goes with its changelog
"""
