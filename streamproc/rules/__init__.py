"""The rules, pure: no Faust, no clock, no I/O, nothing imported but errors and cells.

``units``       microseconds of a second, minute, hour, day
``windows``     what uptime is counted over: hour, day, week
``timestamp``   what a time is, as text and as microseconds
``poll``        one poll, checked; ``poll_batch``: many at once
``history``     a store's polls in day segments
``schedule``    weekly hours and zones as they are written; ``calendar``: open intervals
``business``    how much open time lies before an instant
``uptime``      up, down and open time of many stores
``timeline``    one store's time as spans of one state each
``status``      what a store is now
``percent``     uptime in percent of the observed time
"""
