"""An embedded, durable log in one SQLite file, for any Faust app.

``log`` is the file: topics, append, read, commit; ``batches``: its rows, each with a
checksum. ``cleaner`` keeps it from growing: retention, and ``compaction`` by key.
``lock`` allows one worker. ``driver`` is the Faust transport on top, registered for
``sqlite://`` URLs.
"""
