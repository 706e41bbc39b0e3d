"""The worker: ``app`` puts the program together, ``process`` runs it.

``logs`` says what is logged; ``watchdog`` ends a process that makes no progress
although there is work.
"""
