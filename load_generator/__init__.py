"""``haremq perf``: a load generator for any AMQP 0-9-1 broker; the benchmarks use it.

It is a client and no part of the broker; the two share no code. ``haremq`` loads it only for that
command.
"""
