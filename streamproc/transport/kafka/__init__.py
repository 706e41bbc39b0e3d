"""Apache Kafka: Faust's aiokafka transport with batches, and a client.

``driver`` is what the worker runs on, ``client`` what other processes use;
both connect as ``security`` says, read through ``records``, write through
``append`` (``record_batch`` is what both read and write) and create topics
through ``admin``. ``internals`` has what is borrowed from aiokafka.
"""
