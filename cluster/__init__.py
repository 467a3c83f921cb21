"""Replication of queues over several nodes. Empty until the cluster issue; the floor is kept."""
