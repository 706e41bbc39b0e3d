"""The engine room: workers, what was refused, settings, what wants attention."""
