"""The web of a worker: pages for people, JSON for programs, a gateway for producers.

Served in a thread of its own, so that a large batch does not make readers wait. A
request passes ``server``, ``connections``, ``middleware``, ``security``, ``bodies``
and ``routes``; its handler reads it with ``requests`` and ``parameters``, and answers
with ``responses``.

``handlers``    one module a noun: fleet, store, reports, tables, rejected, gateway, ...
``fleet``       all stores at one instant: totals, sorting, search
``store``       one store: windows, timeline, polls
``reports``     asking for one, its progress, its file
``tables``      the Faust tables to look into
``rejected``    the newest refused records
``cluster``     asking whoever owns a partition, which may be this worker
``site``        what all handlers share
"""
