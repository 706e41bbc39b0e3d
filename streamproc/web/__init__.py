"""The web of a worker: pages for people, JSON for programs, a gateway for producers.

Served in a thread of its own, so that a large batch does not make readers wait. A
request passes ``server``, ``connections``, ``middleware``, ``security``, ``bodies``
and ``routes``; its handler reads it with ``requests`` and answers with ``responses``.

``fleet``       all stores at one instant: totals, sorting, search
``store``       one store: windows, timeline, polls
``reports``     asking for one, its progress, its file
``tables``      the Faust tables to look into
``rejected``    the newest refused records
``gateway``     polls, hours and zones by HTTP; ``poll_bodies`` cuts polls out
``operations``  health, readiness, metrics, live updates
``sessions``    signing in
``cluster``     asking whoever owns a partition, which may be this worker
``site``        what all of them share
"""
