"""The replication core (ADR 45): leaders, mirrors, in-sync sets and epochs as pure code.

``core.ReplicationCore`` is one node's part. Inputs go in, a ``ready.Ready`` comes out. There is
no clock, file, socket or chance here.
"""
