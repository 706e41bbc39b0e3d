"""One store: what is known of it, its page, its answers."""
