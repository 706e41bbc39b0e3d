"""The same job in other stream processors, for comparison on one Kafka broker.

``quix``     Quix Streams, in a virtual environment of its own
``streams``  Kafka Streams: ``Streams.java``, ``Runs.java``, the jars of ``pom.xml``

The job: per store a list of runs ``[first, last, status]``, extended while the same
status comes within the hour, without runs older than a week; kept in the processor's
own persistent state with its changelog. Plain Faust is ``benchmarks.plain_faust``.
"""
