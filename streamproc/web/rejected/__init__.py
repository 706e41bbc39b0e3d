"""The newest refused records: why, where from, what."""
