"""Links between nodes: frames as octets, and one ordered connection for each pair and direction.

The leader's node dials the mirror's. Frames of the replication core go one way, its answers the
other. All is sans-IO, but for ``sockets``.
"""
