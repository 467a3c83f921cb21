"""Replication of queues over several nodes: the pure core; no socket and no file yet."""
