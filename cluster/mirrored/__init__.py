"""Mirrored queues on top of the replication core: their logs, and what confirms wait for (ADR 53).

``node.MirroredNode`` is the shell of a core: it joins core, disk and links. A queue that this
node leads has a ``log.MirroredLog`` behind ``queues.log_port``.
"""
