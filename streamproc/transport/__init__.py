"""The brokers: one program on an embedded SQLite log or on Apache Kafka.

``batch`` is what both hand to an agent, made of ``columns``; ``protocols`` what both
offer a worker beyond Faust; ``client`` what other processes use to publish and to read,
opened by ``connect`` as ``options`` say; ``sqlite`` and ``kafka`` the two Faust
transports. Nothing in here knows what a store or a poll is.
"""
