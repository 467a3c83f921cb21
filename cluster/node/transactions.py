"""A core's transaction over a queue's state as one of the store (R8, R13, R20, R22)."""

from dataclasses import replace

from cluster.metadata.keys import KeySpace
from cluster.metadata.port import (
    Comparison,
    CreateRevision,
    ModRevision,
    Put,
    Read,
    Transaction,
    Value,
)
from cluster.metadata.records import (
    StoredController,
    StoredQueueState,
    encode_controller,
    encode_queue_state,
)
from cluster.node.view import KnownQueue
from cluster.replication.ready import StateTransaction


def stored_after(known: KnownQueue, transaction: StateTransaction) -> StoredQueueState:
    """Return what is put: all but the state is what is stored."""
    stored = known.stored
    options = transaction.options or stored.options
    return replace(stored, state=transaction.new, options=options)


def transaction_of(
    keys: KeySpace, node: str, known: KnownQueue, member: bytes, transaction: StateTransaction
) -> Transaction:
    """Return all comparisons, the put, and a read of the own ``member``; see ``grouping``.

    Args:
        keys: of the cluster.
        node: who submits it.
        known: the queue, as of the revision that is expected.
        member: the value of the submitter's ``member`` record: its disk and stamp.
        transaction: what the core asks for.
    """
    assert known.revision == transaction.expected_revision, "what is put is made of what is there"
    state_key = keys.queue_state(known.vhost, known.name)
    member_key = keys.key("member", node)
    compare: list[Comparison] = [
        ModRevision(state_key, transaction.expected_revision),
        Value(member_key, member),
    ]
    compare += [
        CreateRevision(keys.key("live", name), incarnation)
        for name, incarnation in transaction.live
    ]
    if transaction.controller is not None:
        holder = StoredController(node, transaction.controller)
        compare.append(Value(keys.key("ctl"), encode_controller(holder)))
    put = Put(state_key, encode_queue_state(stored_after(known, transaction)))
    return Transaction(tuple(compare), (put, Read(member_key)))
