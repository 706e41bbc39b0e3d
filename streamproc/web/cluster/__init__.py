"""One worker among its peers: who owns what, and asking them, signed."""
