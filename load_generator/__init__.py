"""``haremq perf``: a load generator for any AMQP 0-9-1 broker, and what benchmarks are made of.

A client, and no part of the broker: it shares no code with what it measures. ``haremq`` loads it
when that command is asked for.
"""
