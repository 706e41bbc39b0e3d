"""The incidents of all stores, over all workers."""
