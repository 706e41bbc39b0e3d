"""The command streamproc, run as people run it."""
