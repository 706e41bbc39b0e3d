"""How producers reach this system: its address, examples, what came in last."""
