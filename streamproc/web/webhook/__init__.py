"""The webhook: how it goes, asked of the worker that posts."""
