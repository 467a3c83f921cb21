"""The metadata store of a cluster (ADR 49): one port, and an engine for each place it may be in.

``port.MetadataStore`` is what the rest asks. ``memory`` is its model, ``local`` is on the disk of a
single node, ``etcd`` is for several nodes.
"""
