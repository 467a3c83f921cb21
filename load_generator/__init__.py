"""``haremq perf``: a load generator for any AMQP 0-9-1 broker; the benchmarks use it.

A client, and no part of the broker: it shares no code with what it measures. ``haremq`` loads it
when that command is asked for.
"""
