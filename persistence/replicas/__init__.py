"""Replicas of mirrored queues on disk: the log that all replicas share, and its live messages.

What a record says is an operation of ``persistence.format``. Which records there are, and who has
promised what to whom, is decided in ``cluster.replication``.
"""
