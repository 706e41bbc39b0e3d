"""What all stores are now, over all workers, from memory."""
