"""Handlers of the routes, one module a noun: each reads a request and answers it."""
