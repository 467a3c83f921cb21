"""Proves a cluster by faults: load with a history, faults from a seed, checkers, a table.

It is a client of the brokers, as the whole package is. What starts, kills and cuts them is behind
a port (``cluster.Cluster``), which the fault suite in ``tests/jepsen`` fits to network namespaces.
"""
