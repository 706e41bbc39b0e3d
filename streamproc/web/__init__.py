"""The web of a worker: pages for people, JSON for programs, a gateway for producers.

Served in a thread of its own, so that a large batch does not make readers wait.

``server``    the thread, its listening socket, limits on connections
``security``  who may ask, who may change; headers; limits on time and size
``cluster``   asking whoever owns a partition, which may be this worker
``calls``     what one worker may ask another
``fleet``     all stores at one instant: totals, sorting, search
``store``     one store: windows, timeline, polls
``pages``, ``api``, ``gateway``, ``reporting``, ``operations``, ``live``  the routes
"""
