"""All stores at one instant: totals, what is down now, sorting and search."""
