"""The Faust tables, one module each, and the batch table they share.

``histories``  every store's polls, in day segments
``hours``      every store's business hours
``zones``      every store's time zone
``reports``    every report's state
"""
