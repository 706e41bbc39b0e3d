"""The root of the tree."""


class StreamprocError(Exception):
    """Root of all errors this program raises on purpose."""
