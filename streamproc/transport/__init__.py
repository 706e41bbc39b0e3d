"""The brokers: one program on an embedded SQLite log or on Apache Kafka.

``batch`` is what both hand to an agent, made of ``columns``; ``client`` what other
processes use to publish and to read; ``sqlite`` and ``kafka`` the two Faust
transports. Nothing in here knows what a store or a poll is.
"""
