"""Reports: asking for one, how it is going, its file."""
