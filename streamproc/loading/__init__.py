"""From files to topics: ``source`` … ``stores`` read, ``loader`` judges, publishes."""
