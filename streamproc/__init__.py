"""How long was each store up, inside its opening hours?

The core: settings, topics and the pure rules (``poll``, ``history``,
``schedule``, ``uptime``, ``report``). The Faust agents stand in ``agents/``, the
tables they write in ``tables/``. ``docs/walk.md`` follows one poll through all of it.
"""

__version__ = "0.1.0"
