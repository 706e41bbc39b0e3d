"""Figures of periods: of one store, and of the fleet over all workers."""
