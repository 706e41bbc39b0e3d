"""Changes of what is known of stores: hours, special hours, exclusions, labels."""
