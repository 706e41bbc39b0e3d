"""A generated fleet: ``fleet`` makes stores and polls, ``publishing`` sends them."""
