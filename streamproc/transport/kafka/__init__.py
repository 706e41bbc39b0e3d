"""Apache Kafka: Faust's aiokafka transport with batches, and a client.

``driver`` is what the worker runs on, ``client`` what other processes use;
both connect as ``security`` says, read through ``records``, write through
``append`` and create topics through ``admin``.
"""
