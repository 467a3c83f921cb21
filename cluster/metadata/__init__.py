"""The metadata store of a cluster (ADR 49): one port, its engine, and its model.

``port.MetadataStore`` is what the rest asks. ``etcd`` is its engine. ``memory`` is its model for
tests, with faults that they set.
"""
