"""Reports of files alone, as ``once`` makes them: without a log, tables and agents."""
