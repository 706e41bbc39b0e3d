"""The worker: ``app`` puts the program together, ``process`` runs it.

``watchdog`` ends a process that makes no progress although there is work.
"""
