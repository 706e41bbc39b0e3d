"""The program and its peers on the same work. ``make bench`` runs all of it.

``loads``        generated polls
``measure``      runs a process and reads its figures
``program``      the program, until a load is consumed and committed
``plain_faust``  the same job as Faust's documentation would write it
``report_time``  reports of many stores
``recovery``     a lost table directory
``kafka``        all of them on one Kafka broker, started as ``variants`` says
``peers``        the same job in Quix Streams and Kafka Streams
``latency``      polls that come one by one
"""
