"""The webhook: events from the topic to somebody's URL, signed and in order.

``posts`` says what is posted, ``waiting`` when, ``addresses`` where to not; ``calling``
does it once, ``sender`` until it is delivered.
"""
