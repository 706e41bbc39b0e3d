"""What is borrowed from aiokafka, and from Faust's driver for it.

aiokafka makes an object of every record and hides the bytes they come from; it has
no way to ask whether a member still belongs to its group; and a batch of its producer
lives no longer than one request. All of that is reached through private names, in here
and nowhere else: ``fetching`` what a consumer hands out, ``membership`` its group and
what it commits, ``clients`` the connections and the producer. Each name is looked for
when a client starts.
"""
